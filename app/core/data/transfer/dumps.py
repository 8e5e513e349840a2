"""Dumps: all rows of all users as JSON lines, the same bytes from SQLite and PostgreSQL."""

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Annotated, Any

import msgspec
from sqlalchemy import JSON, BigInteger, Column, SmallInteger, TypeDecorator, select
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

from app.core.data.errors import InvalidDump
from app.core.data.ownership.session import AppSession
from app.core.data.tables.field_types import MAX_ID
from app.core.data.tables.registry import columns_by_name, sorted_models, table_name
from app.core.data.tables.row_ids import RowIdList
from app.core.data.tables.stored_types import StoredType
from app.core.data.transfer.copy import reset_sequence, write_rows
from app.core.data.transfer.deferred import deferred_keys
from app.core.data.transfer.read import TableRow, read_rows

Parsed = tuple[type[SQLModel], tuple[Any, ...]]


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    table: str
    row: msgspec.Raw


async def dump_rows(session: AppSession) -> AsyncIterator[TableRow]:
    """Yield all rows of all tables; the session serves everyone, and reads from a `snapshot_of()` its engine."""
    # A row follows the rows that it refers to, except in a cycle of tables, or where a table refers to itself.
    for model in sorted_models():
        async for row in read_rows(session, model):
            yield row


async def load_rows(session: AppSession, lines: Iterable[bytes]) -> dict[str, int]:
    """Store a dump in empty tables, in one transaction, and return the number of rows by table.

    InvalidDump names the line that cannot be stored, or a table that has rows.
    """
    loaded: dict[str, int] = {}
    async with session.atomic(), deferred_keys(session):
        for model, rows in groupby(_parse(lines), key=itemgetter(0)):
            if table_name(model) not in loaded:
                await _refuse_rows(session, model)
            written = await write_rows(session, model, (row for _, row in rows))
            loaded[table_name(model)] = loaded.get(table_name(model), 0) + written
        for model in sorted_models():
            if table_name(model) in loaded:
                await reset_sequence(session, model)
    return loaded


async def _refuse_rows(session: AppSession, model: type[SQLModel]) -> None:
    if (await session.execute(select(1).select_from(model).limit(1))).first():
        raise InvalidDump(f"{table_name(model)} has rows already; load into an empty database")


def _parse(lines: Iterable[bytes]) -> Iterator[Parsed]:
    models = {table_name(model): model for model in sorted_models()}
    for number, line in enumerate(lines, 1):
        try:
            yield _parse_line(line, models)
        except (ValueError, OverflowError, RecursionError) as error:  # msgspec's errors are ValueErrors
            raise InvalidDump(f"line {number}: {error}") from None


def _parse_line(line: bytes, models: dict[str, type[SQLModel]]) -> Parsed:
    found = msgspec.json.decode(line, type=_Line)
    if found.table not in models:
        raise ValueError(f"there is no table {found.table!r}")
    model = models[found.table]
    try:
        values = msgspec.structs.astuple(_decoder_of(model).decode(found.row))
    except msgspec.ValidationError as error:
        raise ValueError(f"{found.table}: {error}") from None
    for column, value in zip(columns_by_name(model).values(), values, strict=True):
        if isinstance(column.type, StoredType) and value is not None:
            column.type.literal(value)  # raises ValueError
    return model, tuple(v.astimezone(UTC) if isinstance(v, datetime) and v.tzinfo else v for v in values)


@cache
def _decoder_of(model: type[SQLModel]) -> msgspec.json.Decoder[msgspec.Struct]:
    fields = [(name, _type_of(column)) for name, column in columns_by_name(model).items()]
    return msgspec.json.Decoder(msgspec.defstruct(model.__name__, fields, forbid_unknown_fields=True))


def _type_of(column: Column[Any]) -> Any:
    if isinstance(column.type, RowIdList):
        return list[Annotated[int, msgspec.Meta(ge=1, le=MAX_ID)]]
    stored = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    python = column.type.dumped if isinstance(column.type, StoredType) else _python_type(stored)
    return python | None if column.nullable else python


def _python_type(stored: TypeEngine[Any]) -> Any:
    # With the limits of PostgreSQL: SQLite would store a text that is too long, or has a NUL.
    if isinstance(stored, JSON):
        return Any
    python = stored.python_type
    if python is int:
        bits = 64 if isinstance(stored, BigInteger) else 16 if isinstance(stored, SmallInteger) else 32
        return Annotated[int, msgspec.Meta(ge=-(2 ** (bits - 1)), le=2 ** (bits - 1) - 1)]
    if python is str:
        return Annotated[str, msgspec.Meta(max_length=getattr(stored, "length", None), pattern="^[^\x00]*$")]
    if python is datetime:
        return Annotated[datetime, msgspec.Meta(tz=bool(getattr(stored, "timezone", False)))]
    return python
