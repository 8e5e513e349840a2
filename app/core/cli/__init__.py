"""The commands of `app`, one file each; `app/__main__.py` lists them and imports one only when it is called."""
