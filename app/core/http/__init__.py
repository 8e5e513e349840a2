"""HTTP: requests, responses and their documentation."""
