"""Rows on their way out: of every table, in an order in which they can be stored again, a batch in memory at a time."""

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
    """A row, its columns by name, and the table that it is from."""

    table: str
    row: dict[str, Any]

    def line(self) -> bytes:
        """Return it as a line of JSON, {"table": "tasks", "row": {...}}: the one form in which rows leave."""
        return msgspec.json.encode(self) + b"\n"


async def count_rows(session: AsyncSession, model: type[SQLModel]) -> int:
    """Return how many rows of a table the session sees."""
    return (await session.execute(select(func.count()).select_from(model))).scalar_one()


async def read_rows(session: AsyncSession, model: type[SQLModel], batch: int = BATCH) -> AsyncIterator[TableRow]:
    """Yield the rows that the session sees of a table, in the order of their ids, through one cursor.

    The session is in a transaction: it has a `snapshot_of(engine)`, which is of one moment, or it is inside `atomic()`.

    Raises:
        NotAtomic: it is in none.
    """
    columns = {name: getattr(model, name) for name in columns_by_name(model)}
    keys = (columns[name] for name, column in columns_by_name(model).items() if column.primary_key)
    # The database sorts once, on its disk where there are many rows: no index of PostgreSQL's is in this order.
    found = await session.stream(select(*columns.values()).order_by(*keys).execution_options(yield_per=batch))
    try:
        async for rows in found.partitions():
            for row in rows:
                yield TableRow(table_name(model), dict(zip(columns, row, strict=True)))
    finally:
        await found.close()
