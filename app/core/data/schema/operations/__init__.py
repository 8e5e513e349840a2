"""Additional operations for migrations, such as `op.protect_owner("tasks")`; importing the package registers them."""

from app.core.data.schema import ddl
from app.core.data.schema.operations import choices, folds, online, protecting, renames, scales

__all__ = ["choices", "ddl", "folds", "online", "protecting", "renames", "scales"]
