"""Rate limits: how often each user, and each client address, may call."""
