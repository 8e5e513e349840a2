"""Bodies: what a client may send, and the DTO layer that reads it and writes rows."""
