"""Projects: what a user's tasks can belong to."""
