"""The consoles of `app shell`: Python's, and IPython where it is installed."""
