"""Connections: how a statement reaches a database."""
