"""Backups: the whole database in one file, by its own tools, and the way back; each is whole or it is not there."""
