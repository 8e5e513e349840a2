"""Reads all rows of a table in the order of their ids, with one batch in memory at a time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from app.core.data.tables.registry import columns_by_name, table_name

BATCH: Final = 1000  # rows in memory at a time


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row: its table, and its values by column."""

    table: str
    row: dict[str, Any]

    def line(self) -> bytes:
        """Return the line of dumps and exports: {"table": "tasks", "row": {...}}."""
        return msgspec.json.encode(self) + b"\n"


async def count_rows(session: AsyncSession, model: type[SQLModel]) -> int:
    """Return the number of rows that the session sees in a table."""
    return (await session.execute(select(func.count()).select_from(model))).scalar_one()


async def read_rows(session: AsyncSession, model: type[SQLModel], batch: int = BATCH) -> AsyncIterator[TableRow]:
    """Yield the rows that the session sees in a table, in the order of their ids.

    The session reads from a `snapshot_of(engine)`, or is inside `atomic()`; otherwise NotAtomic is raised.
    """
    columns = {name: getattr(model, name) for name in columns_by_name(model)}
    keys = (columns[name] for name, column in columns_by_name(model).items() if column.primary_key)
    # PostgreSQL has no index in this order; it sorts once, on disk if there are many rows.
    found = await session.stream(select(*columns.values()).order_by(*keys).execution_options(yield_per=batch))
    try:
        async for rows in found.partitions():
            for row in rows:
                yield TableRow(table_name(model), dict(zip(columns, row, strict=True)))
    finally:
        await found.close()
