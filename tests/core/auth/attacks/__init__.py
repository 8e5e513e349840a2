"""What attackers send, in tables: each entry is a name and a whole Authorization header that must open nothing."""
