"""The docs: the OpenAPI document, and the page for it."""
