"""Alembic's DDL implementations for the two databases; importing the package registers them with alembic."""

from app.core.data.schema.ddl import postgres, sqlite

__all__ = ["postgres", "sqlite"]
