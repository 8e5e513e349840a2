"""What is stored, and whose it is."""
