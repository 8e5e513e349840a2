"""Specimens: a table with a field of every type that can be filtered and sorted, on shelves.

It is mapped only while `attached()` runs: the tables of the project are what most other tests are about.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import StrEnum
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import JSON, inspect, make_url
from sqlmodel import Field, SQLModel

from app.core.data.connection.engine import make_engine
from app.core.data.ownership.guard import bind_owner
from app.core.data.ownership.session import AppSession
from app.core.data.tables import (
    UUID,
    Day,
    Fields,
    FiniteFloat,
    Instant,
    NonBlankText,
    Owned,
    PlainText,
    RowId,
    SafeInt,
    Timestamped,
    choice,
    day,
    flag,
    instant,
    integer,
    long_text,
    number,
    ref,
    text,
    uuid,
)
from app.testing.databases import Databases, settings_for_tests
from tests.library.__main__ import add_tables


class State(StrEnum):
    """What a specimen looks like."""

    NEW = "as new"
    WORN = "worn"


class ShelfFields(Fields):
    """The fields of a shelf."""

    label: PlainText = text("What is on it.", max_length=50)
    archived: bool = flag("Whether it is old.")
    closed_at: Instant | None = instant("When it was closed.")


class SpecimenShelf(ShelfFields, Owned, table=True):
    """A shelf for specimens."""

    __tablename__ = "specimen_shelves"
    __searchable__ = ("label",)


class SpecimenFields(Fields):
    """The fields of a specimen: each type, with nulls and without."""

    title: NonBlankText = text("What it is called.", max_length=600)
    nickname: PlainText | None = text("Another name.", max_length=50)
    notes: PlainText | None = long_text("What is known of it.")
    code_name: PlainText | None = text("A name without a fold.", max_length=50)
    done: bool = flag("Whether it is done.")
    kept: bool | None = flag("Whether it is kept.", default=None)
    stars: SafeInt | None = integer("How good it is.")
    size: FiniteFloat | None = number("How large it is.")
    found_on: Day | None = day("When it was found.")
    due_at: Instant | None = instant("When it is due.")
    code: UUID | None = uuid("Its code.")
    state: State = choice("What it looks like.", default=State.NEW)
    tags: list[str] = Field(default_factory=list, sa_type=JSON)
    shelf_id: RowId | None = ref("specimen_shelves", "Its shelf.", on_delete="set null")
    parent_id: RowId | None = ref("specimens", "Where it is from.", on_delete="set null")


class Specimen(Timestamped, SpecimenFields, Owned, table=True):
    """A specimen."""

    __tablename__ = "specimens"
    __sortable__ = ("title", "nickname", "done", "kept", "stars", "size", "found_on", "due_at", "created_at")
    __searchable__ = ("title", "notes")


_MODELS: Final = (SpecimenShelf, Specimen)
_MAPPED: Final[list[tuple[Any, Any]]] = [
    (inspect(model).class_manager, inspect(model).local_table) for model in _MODELS
]


def _detach() -> None:
    for manager, table in _MAPPED:
        SQLModel._sa_registry._managers.pop(manager)
        SQLModel.metadata.remove(table)


@contextmanager
def attached() -> Iterator[None]:
    """Let the tables be mapped while the block runs."""
    for manager, table in _MAPPED:
        SQLModel._sa_registry._managers[manager] = True
        SQLModel.metadata._add_table(table.name, None, table)
    try:
        yield
    finally:
        _detach()


_detach()


class Sessions:
    """Opens sessions of users on one database."""

    def __init__(self, engine: Any, url: str, owner_url: str) -> None:
        self._engine = engine
        self.url, self.owner_url = url, owner_url

    @asynccontextmanager
    async def of(self, user: str) -> AsyncIterator[AppSession]:
        """Open a session of this user."""
        async with AppSession(self._engine) as session:
            bind_owner(session, user)
            yield session


@asynccontextmanager
async def specimens_on(databases: Databases) -> AsyncIterator[Sessions]:
    """Open sessions on a new database that has the tables."""
    url = databases.fresh()
    owner_url = databases.for_owner(url)
    with attached():
        add_tables([SimpleNamespace(model=model) for model in _MODELS], owner_url, make_url(url).username)
        engine = make_engine(settings_for_tests(url))
        yield Sessions(engine, url, owner_url)
        await engine.dispose()
