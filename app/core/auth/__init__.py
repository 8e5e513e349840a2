"""Authentication: who sends a request, by a JWT in the Authorization header."""
