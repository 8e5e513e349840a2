"""Bodies: their checks, and the DTOs that read JSON and write rows."""
