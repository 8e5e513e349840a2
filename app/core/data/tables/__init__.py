"""Tables: what a `models.py` imports."""
