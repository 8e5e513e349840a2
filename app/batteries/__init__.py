"""Batteries: what owns a table and knows no noun."""
