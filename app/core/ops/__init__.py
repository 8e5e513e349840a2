"""Operation of the service: server, logs, health and checks."""
