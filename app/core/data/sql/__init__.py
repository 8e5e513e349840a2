"""SQL: which statements are written, and the compiler that adds the owner to each."""
