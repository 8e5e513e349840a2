"""Transfer: dumps, backups, seeds, and the export or erasure of one user, for commands."""
