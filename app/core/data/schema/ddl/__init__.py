"""How a table is altered: what alembic does on each database, so that no row, trigger or writer is lost on the way.

Whoever imports the package has given alembic both of them.
"""

from app.core.data.schema.ddl import postgres, sqlite

__all__ = ["postgres", "sqlite"]
