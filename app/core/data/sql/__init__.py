"""SQL: the statements of the repository, and the compiler that adds the owner's condition."""
