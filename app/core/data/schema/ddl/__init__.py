"""Alembic's DDL implementations for the two databases: they keep rows and triggers, and block no writer for long.

Importing the package registers both with alembic.
"""

from app.core.data.schema.ddl import postgres, sqlite

__all__ = ["postgres", "sqlite"]
