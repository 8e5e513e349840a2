"""A real Better Auth server for the tests, where node and npm are there to run it."""
