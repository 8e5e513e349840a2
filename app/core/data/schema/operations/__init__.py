"""The operations that migrations call, beside alembic's own: `op.protect_owner("tasks")`, `with op.online():`.

Whoever imports the package has registered all of them, and how alembic alters a table on each database.
"""

from app.core.data.schema import ddl
from app.core.data.schema.operations import choices, online, protecting, renames

__all__ = ["choices", "ddl", "online", "protecting", "renames"]
