"""How migrations are run: one migrator at a time, one transaction each, and nobody waits for long."""
