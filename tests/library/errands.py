"""Errands, whose columns follow other columns: a noun, and each way in which a program writes its rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, inspect, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import col

from app.core.data.ownership.session import AppSession
from app.core.data.repository.repository import Repository
from app.core.data.tables import (
    Fields,
    Instant,
    NonBlankText,
    Owned,
    PlainText,
    Timestamped,
    flag,
    long_text,
    stamp,
    text,
    unique,
)
from app.core.data.tables.registry import table_of
from app.core.http.body.dto import CreateSchema, UpdateSchema
from app.core.http.resource.controller import ResourceController
from app.testing.factories import RowFactory


class SampleErrandFields(Fields):
    """What a user says about one of the errands."""

    title: NonBlankText = text("What to do.", max_length=200)
    code: NonBlankText | None = text("Its code.", max_length=20)
    place: PlainText | None = text("Where.", max_length=20)
    details: PlainText | None = long_text("Details.")
    is_done: bool = flag("Whether it is done.")


class SampleErrand(Timestamped, SampleErrandFields, Owned, table=True):
    """One of a user's errands."""

    __tablename__ = "sample_errands"
    __sortable__ = ("title", "done_at")
    __searchable__ = ("title", "details")
    __indexes__ = (unique("code", "place", folded=True),)
    done_at: Instant | None = stamp("is_done", "When it was done.")


class SampleErrandCreate(SampleErrandFields, CreateSchema):
    """A new errand."""


class SampleErrandUpdate(SampleErrandFields, UpdateSchema):
    """What to change about one of the errands."""


class SampleErrandController(ResourceController[SampleErrand, SampleErrandCreate, SampleErrandUpdate]):
    """Your errands."""

    path = "/api/sample-errands"


class SampleErrandFactory(RowFactory[SampleErrand]):
    """Makes errands, some of them done."""

    __use_defaults__ = False


NOUNS = (SampleErrandController,)

Values = Mapping[str, Any]


async def add(session: AppSession, values: Values) -> None:
    """Store a row by a flush."""
    session.add(SampleErrand(**values))
    await session.flush()


async def add_many(session: AppSession, rows: Sequence[Values]) -> None:
    """Store rows through the repository."""
    await Repository.of(SampleErrand)(session=session).add_many([SampleErrand(**values) for values in rows])


async def change(session: AppSession, row_id: int, values: Values) -> str | None:
    """Change a row by a flush, and return the `done_at` that the object then has."""
    row = (await session.execute(select(SampleErrand).where(col(SampleErrand.id) == row_id))).scalar_one()
    for name, value in values.items():
        setattr(row, name, value)
    await session.flush()
    return row.done_at.isoformat() if row.done_at else None


async def update_all(session: AppSession, values: Values) -> None:
    """Change all rows of the user by one statement."""
    await session.execute(update(SampleErrand).values(**values))


async def update_core(session: AppSession, values: Values) -> None:
    """Change all rows of the user by one statement about the table."""
    await session.execute(update(table_of(SampleErrand)), dict(values))


async def rows(session: AppSession) -> list[dict[str, Any]]:
    """Return all rows with their hidden columns."""
    found = (await session.execute(select(*table_of(SampleErrand).c))).mappings()
    return [
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
        for row in found
    ]


async def shown(session: AppSession) -> list[str]:
    """Return what an object shows of a row, and the columns that its class maps."""
    row = (await session.execute(select(SampleErrand).limit(1))).scalar_one()
    return [repr(row), str(row.model_dump()), str(vars(row)), str(inspect(SampleErrand).columns.keys())]


async def bulk(session: AppSession, rows: Sequence[Values]) -> None:
    """Store rows by one statement."""
    async with session.atomic():
        await session.execute(insert(SampleErrand), [dict(values) for values in rows])


_TABLE = table_of(SampleErrand)
_REFUSED: dict[str, Any] = {
    "update by an expression": update(SampleErrand).values(title=func.upper("a")),
    "update by another column": update(SampleErrand).values(title=SampleErrand.code),
    "update of a fold": update(_TABLE).values(title_fold="a"),
    "update of a stamp": update(SampleErrand).values(done_at=func.now()),
    "insert by an expression": insert(SampleErrand).values(title=func.upper("a")),
    "insert by another parameter": insert(SampleErrand).values(title=bindparam("words")),
    "insert of a stamp": insert(SampleErrand).values(title="a", done_at=func.now()),
    "insert from select": insert(SampleErrand).from_select(["title"], select(col(SampleErrand.title))),
    "insert of the flag by an expression": insert(SampleErrand).values(title="a", is_done=func.coalesce(None, True)),
}


async def refused(session: AppSession, name: str) -> None:
    """Execute a statement whose derived columns cannot be computed."""
    await session.execute(_REFUSED[name])


async def refused_conflict(session: AppSession, column: str) -> None:
    """Execute an INSERT that changes the row of a conflict."""
    kind: Any = sqlite_insert if session.dialect.name == "sqlite" else postgres_insert
    statement = kind(_TABLE).values(title="a").on_conflict_do_update(index_elements=["id"], set_={column: True})
    await session.execute(statement)


async def set_stamp(session: AppSession) -> None:
    """Set a stamp by a flush."""
    row = (await session.execute(select(SampleErrand).limit(1))).scalar_one()
    row.done_at = row.created_at
    await session.flush()


async def ordered(session: AppSession) -> None:
    """Change all rows, with the columns in a given order."""
    await session.execute(update(SampleErrand).ordered_values(("is_done", True), ("title", "Ö")))


async def toggle(session: AppSession) -> None:
    """Change the flag by an expression."""
    await session.execute(update(SampleErrand).values(is_done=~col(SampleErrand.is_done)))


async def named(session: AppSession, title: str) -> None:
    """Change all rows by a parameter with another name."""
    await session.execute(update(_TABLE).values(title=bindparam("words")), {"words": title})


async def clear(session: AppSession) -> None:
    """Delete all rows of the user."""
    await session.execute(delete(SampleErrand))
