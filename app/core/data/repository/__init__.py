"""The repository: what may be asked of a table."""
