"""Autogenerate: writes the migration from the present ones to the models."""
