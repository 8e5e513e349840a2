"""Measurements: what the README's figures come from. Not tests: time is noisy, and nothing here can fail."""
