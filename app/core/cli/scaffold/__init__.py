"""What `app startapp` writes: the names and fields of a noun, parsed from the command line, and its files."""
