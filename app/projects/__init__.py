"""The projects of users, which group their tasks."""
