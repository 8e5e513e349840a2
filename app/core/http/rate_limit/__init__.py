"""Rate limits: per user, and per client address for requests without a valid token."""
