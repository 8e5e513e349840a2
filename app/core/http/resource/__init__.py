"""Resources: the HTTP operations on the rows of a table."""
