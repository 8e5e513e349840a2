"""What `app startapp` writes: a noun's names and fields, read from the command line, and the text of its files."""
