"""Ownership: each session reads and writes the rows of one owner."""
