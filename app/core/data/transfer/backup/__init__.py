"""Backups: the whole database in one file, written and restored by the database's own tools, all or nothing."""
