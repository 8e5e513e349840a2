"""The repository: reads and writes of the rows of one table."""
