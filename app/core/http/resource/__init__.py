"""Resources: what a noun offers over HTTP."""
