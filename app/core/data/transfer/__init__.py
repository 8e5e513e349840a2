"""Transfer: all rows in and out, for commands."""
