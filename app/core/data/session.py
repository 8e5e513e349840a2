"""The session: it serves one owner, and its hooks hold every statement and every flush to that owner.

Fail closed: with no owner bound it raises where owned rows are named and finds nothing where they are not. The owner
travels as a bound parameter, so one compiled statement serves everybody, and one that lacks the value cannot run.
The engine is in AUTOCOMMIT: a single statement is its own transaction, more than one need `atomic()`.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import Enum
from functools import cache
from typing import Any, Final, NoReturn, Self, cast

from sqlalchemy import Connection, Insert, Row, Table, event, insert, inspect
from sqlalchemy.ext.asyncio import AsyncResult, AsyncSession
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, UOWTransaction
from sqlalchemy.util import greenlet_spawn
from sqlmodel import SQLModel

from app.core.data.errors import ForeignRow, NotAtomic, OwnerNotBound, UnreachableStatement
from app.core.data.owned import OWNER_COLUMN, Owned
from app.core.data.statements import hold_statement, without_filter
from app.core.data.subject import work_for


class Everyone(Enum):
    """The type of `EVERYONE`, the one owner that is not a user."""

    EVERYONE = "everyone"


EVERYONE: Final = Everyone.EVERYONE

JOINED: Final = "joined"
"""In a session's `info`: its connection is in a transaction that somebody else ends (a test's)."""

_INSERT: Final = object()  # known to this module only: what carries it came through insert_row()


class OwnedSession(Session):
    """A session that reads and writes the rows of one owner, whatever it is asked.

    `owner` is a user's id, EVERYONE, or None while nobody is bound; `serve()` sets it once.
    """

    owner: str | Everyone | None = None
    atomic_depth: int = 0

    def serve(self, owner: str | Everyone) -> None:
        """Bind the owner for the rest of this session's life.

        Raises:
            ForeignRow: it serves another already; what it has loaded would cross over.
        """
        if self.owner not in (None, owner):
            raise ForeignRow("This session serves an owner already; open another session for another owner.")
        self.owner = owner

    def insert_row(self, model: type[SQLModel], values: Mapping[str, Any]) -> Row[Any]:
        """Insert one row and return all of its columns, in one statement; an owned row is this session's owner's.

        Raises:
            OwnerNotBound: there is nobody to give the row to.
            ForeignRow: the values name another owner, or an id.
        """
        if issubclass(model, Owned):
            values = {**values, OWNER_COLUMN: self._owner_for(values.get(OWNER_COLUMN), values.get("id"))}
        return self.execute(_insert_of(model), values, execution_options={"door": _INSERT}).one()

    def open_transaction(self, isolation_level: str) -> None:
        """Take a connection out of AUTOCOMMIT for the transaction that has just begun."""
        super().connection(execution_options={"isolation_level": isolation_level})

    def connection(self, *args: Any, **kwargs: Any) -> Connection:
        """Refuse the raw connection, on which no hook would see a statement."""
        if self.owner is not EVERYONE:
            raise UnreachableStatement("A raw connection is out of the owner's reach; execute ORM statements instead.")
        return super().connection(*args, **kwargs)

    def _refuse_bulk(self, *_: Any, **__: Any) -> NoReturn:
        raise UnreachableStatement("The bulk methods write past the owner's hooks; use add_all() inside atomic().")

    bulk_save_objects = bulk_insert_mappings = bulk_update_mappings = _refuse_bulk

    def stamp(self, row: Owned) -> None:
        """Give a new row its owner.

        Raises:
            OwnerNotBound: there is nobody to give the row to.
            ForeignRow: it names another owner, or chooses its own id.
        """
        row.user_id = self._owner_for(row.user_id, row.id)

    def _owner_for(self, given: str | None, row_id: int | None) -> str:
        """The owner of a new row: the session's, or, where it serves everyone, the one that was given."""
        owner = given if self.owner is EVERYONE else self.owner
        if not isinstance(owner, str):
            raise OwnerNotBound
        if given not in (None, owner):
            raise ForeignRow("A new row names another owner than the one that this session serves.")
        if row_id is not None and self.owner is not EVERYONE:
            # An id that is taken would fail and a free one would not: the answer would tell which ids others have.
            raise ForeignRow("A new row chooses its own id; leave it to the database.")
        return owner


class AppSession(AsyncSession):
    """The session of a request or a command: an `OwnedSession` behind await, with `atomic()`."""

    sync_session_class = OwnedSession
    sync_session: OwnedSession

    async def insert_row(self, model: type[SQLModel], values: Mapping[str, Any]) -> Row[Any]:
        """Insert one row for the session's owner: see `OwnedSession.insert_row`."""
        return await greenlet_spawn(self.sync_session.insert_row, model, values)

    def begin(self) -> NoReturn:
        """Refuse: on an AUTOCOMMIT engine this would look like a transaction and be none."""
        raise NotAtomic("begin() starts no transaction on this engine; use `async with session.atomic():`.")

    def begin_nested(self) -> NoReturn:
        """Refuse, for the same reason as begin(); atomic() inside atomic() is a savepoint."""
        raise NotAtomic("begin_nested() needs a transaction around it; use `async with session.atomic():` twice.")

    async def stream(self, *args: Any, **kwargs: Any) -> AsyncResult[Any]:
        """Stream rows, inside `atomic()`: PostgreSQL keeps a cursor for as long as a transaction lasts."""
        if self.sync_session.atomic_depth == 0:
            raise NotAtomic("stream() needs a transaction around it; use `async with session.atomic():`.")
        result: AsyncResult[Any] = await super().stream(*args, **kwargs)
        return result

    @asynccontextmanager
    async def atomic(self) -> AsyncIterator[Self]:
        """Run the block in one transaction: all of it is stored, or, when it raises, nothing of it.

        Inside another `atomic()` it is a savepoint, and so it is where the connection is in a transaction already.
        """
        inner = self.sync_session.atomic_depth > 0 or JOINED in self.info
        if not inner:
            await self.commit()  # hands the AUTOCOMMIT connection back; nothing is on the wire
        self.sync_session.atomic_depth += 1
        try:
            async with super().begin_nested() if inner else super().begin():
                if not inner:
                    await greenlet_spawn(self.sync_session.open_transaction, self._isolation_level)
                yield self
        finally:
            self.sync_session.atomic_depth -= 1

    @property
    def _isolation_level(self) -> str:
        # SQLite has one level; `engine.py` begins it IMMEDIATE, so that two writers wait instead of failing.
        return "SERIALIZABLE" if self.get_bind().dialect.name == "sqlite" else "READ COMMITTED"


@cache
def _insert_of(model: type[SQLModel]) -> Insert:
    # Of the table, not of the class: there is nothing to filter in it, and the ORM's takes four times as long.
    table = inspect(model).local_table
    return insert(cast("Table", table)).returning(*table.c)


@event.listens_for(OwnedSession, "after_begin")
def _on_begin(session: Session, _: SessionTransaction, connection: Connection) -> None:
    owner = _owned(session).owner
    work_for(connection, None if owner is EVERYONE else owner)


@event.listens_for(OwnedSession, "do_orm_execute")
def _on_statement(state: ORMExecuteState) -> None:
    owner = _owned(state.session).owner
    if owner is EVERYONE:
        without_filter(state)
    elif not (state.is_insert and state.execution_options.get("door") is _INSERT):
        hold_statement(state, owner)


@event.listens_for(OwnedSession, "before_flush")
def _on_flush(session: Session, _: UOWTransaction, __: Any) -> None:
    """Stamp new rows with the owner; refuse rows of others, changed owners, chosen ids, and half-atomic work."""
    held = _owned(session)
    changed = [row for row in session.dirty if session.is_modified(row)]
    for row in session.new:
        if isinstance(row, Owned):
            held.stamp(row)
    for row in changed:
        if isinstance(row, Owned) and inspect(row).attrs[OWNER_COLUMN].history.has_changes():
            raise ForeignRow(f"{OWNER_COLUMN} was changed on a row, but the owner of a row never changes.")
    if held.atomic_depth == 0 and len(session.new) + len(changed) + len(session.deleted) > 1:
        raise NotAtomic("A flush of several rows could store half of them; use `async with session.atomic():`.")


@event.listens_for(OwnedSession, "before_attach")
@event.listens_for(OwnedSession, "loaded_as_persistent")
def _on_row(session: Session, row: object) -> None:
    """Let in the owner's rows only, and new ones; also a tripwire for what the statements should have kept out."""
    owner = _owned(session).owner
    if not isinstance(row, Owned) or owner is EVERYONE:
        return
    state = inspect(row)
    theirs = state.dict.get(OWNER_COLUMN)
    if theirs != owner and not (theirs is None and state.key is None):
        raise ForeignRow("A row of another owner was handed to this session.")


def _owned(session: Session) -> OwnedSession:
    return cast("OwnedSession", session)  # the hooks listen to this class only
