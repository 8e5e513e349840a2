"""What the API says of itself: the OpenAPI document of all that is served, made to say what really happens."""
