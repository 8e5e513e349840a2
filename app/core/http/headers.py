"""Headers, as ASGI has them."""

Headers = list[tuple[bytes, bytes]]
"""Names in lower case, and values."""
