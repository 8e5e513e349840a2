"""Requests that schemathesis makes from the OpenAPI document: valid ones, invalid ones, and chains of them."""
