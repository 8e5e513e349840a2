"""Connections: engines, pools, and the execution of a statement on either database."""
