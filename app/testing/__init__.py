"""What a test suite imports: databases, an application on one of them, callers, factories. See `plugin.py`."""
