"""Operations for migrations besides alembic's own, such as `op.protect_owner("tasks")` and `with op.online():`.

Importing the package registers them, and the DDL implementations of both databases.
"""

from app.core.data.schema import ddl
from app.core.data.schema.operations import choices, online, protecting, renames

__all__ = ["choices", "ddl", "online", "protecting", "renames"]
