"""Backups: the whole database in one file, made and restored by the database's own tools, all or nothing."""
