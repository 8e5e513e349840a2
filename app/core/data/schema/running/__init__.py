"""How migrations run: one migrator at a time, one transaction for each, with short lock timeouts."""
