"""The schema: the migrations that make the tables, and the rules that the database enforces for every role."""
