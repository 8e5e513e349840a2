"""The scoped and the unscoped engine: two engines over one connection pool, with different compilers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Dialect, Engine, Insert, event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.schema import DefaultGenerator

from app.core.data.errors import ForeignRow, UnreachableStatement
from app.core.data.sql.dialects import ScopedDialect, scoped_dialect, unscoped_dialect
from app.core.data.sql.owner_compiler import OWNER
from app.core.data.tables.owned import OWNER_COLUMN

OWNER_OPTION: Final = "owner"
"""The execution option of a connection that holds the owner's id."""


def is_scoped(bind: Engine | Connection) -> bool:
    """Return whether the engine or connection limits every statement to one owner."""
    return isinstance(bind.dialect, ScopedDialect)


def scoped(engine: AsyncEngine) -> AsyncEngine:
    """Return the engine that limits every statement to the owner of its connection."""
    if is_scoped(engine.sync_engine):
        return engine
    view = _with_dialect(engine, scoped_dialect)
    event.listen(view.sync_engine, "before_execute", _add_owner_value, retval=True)
    return view


def unscoped(engine: AsyncEngine) -> AsyncEngine:
    """Return the engine that reaches the rows of all owners: for migrations, checks and `everyone()`."""
    return _with_dialect(engine, unscoped_dialect) if is_scoped(engine.sync_engine) else engine


def _with_dialect(engine: AsyncEngine, variant: Callable[[Dialect], Dialect]) -> AsyncEngine:
    view = engine.execution_options()
    view.sync_engine.dialect = variant(engine.dialect)
    return view


def _add_owner_value(
    connection: Connection,
    statement: Any,
    rows: Sequence[Mapping[str, Any]],
    values: Mapping[str, Any],
    _: Mapping[str, Any],
) -> tuple[Any, Sequence[Mapping[str, Any]], Mapping[str, Any]]:
    # Sets the parameter `_owner` to the owner of the connection, and overrides a value of the caller.
    if not is_scoped(connection):
        return statement, rows, values
    if isinstance(statement, DefaultGenerator):
        raise UnreachableStatement("A sequence counts the rows of all owners; leave ids to the database.")
    owner = connection.get_execution_options().get(OWNER_OPTION)
    if isinstance(statement, Insert) and any(row.get(OWNER_COLUMN, owner) != owner for row in rows or [values]):
        raise ForeignRow("A new row names another owner than this session's; leave the owner out.")
    if rows:
        return statement, [{**row, OWNER.key: owner} for row in rows], {}
    return statement, [], {**values, OWNER.key: owner}
