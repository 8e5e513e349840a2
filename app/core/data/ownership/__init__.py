"""Ownership: whose rows a session serves."""
