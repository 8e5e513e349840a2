"""The schema: the migrations that make the tables, and what the database itself holds against everybody."""
