"""The edge: what holds for every request and every answer, in front of the router."""
