"""What attackers send, in tables: each entry is a name, and a token or a whole header that must open nothing."""
