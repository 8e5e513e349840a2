"""The frame: what would stand word for word if every noun were deleted."""
