"""Explains to the operator why a token is refused. Clients never see these sentences."""
