"""The run of migrations: one process at a time, one transaction per migration, with short lock timeouts."""
