"""Litestead: the backend for products in which every row belongs to a user."""
