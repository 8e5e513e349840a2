"""Authentication by a JWT in the Authorization header."""
