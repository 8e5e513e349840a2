"""The diagnosis of a token: the verdict of the verifier, and a sentence for the operator. Clients never see it."""
