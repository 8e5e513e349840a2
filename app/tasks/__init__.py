"""Tasks: what a user means to do."""
