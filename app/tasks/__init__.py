"""The tasks of users."""
