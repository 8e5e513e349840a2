"""The owned session: it serves one owner, on an engine whose compiler writes nothing but that owner's part of a table.

Statements need nothing from it but the owner's id. Its hooks are about objects: new rows get their owner, and rows of
others do not come in. With no owner bound a statement about owned rows raises.
"""

from enum import Enum
from functools import cache
from typing import Any, Final, NoReturn, cast

from sqlalchemy import Connection, Engine, Insert, PoolProxiedConnection, event, insert, inspect
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, UOWTransaction
from sqlalchemy.util import await_only
from sqlmodel import SQLModel

from app.core.data.connection.compiled import Statement, Values
from app.core.data.connection.concurrency import Slot
from app.core.data.connection.rls import set_connection_owner
from app.core.data.errors import ForeignRow, NotAtomic, OwnerNotBound, UnreachableStatement
from app.core.data.ownership.engines import OWNER_OPTION, is_scoped
from app.core.data.sql.compiler import OWNER
from app.core.data.tables.owned import OWNER_COLUMN, Owned
from app.core.data.tables.registry import table_of


class AllOwners(Enum):
    """The type of `ALL_OWNERS`, the one owner that is not a user."""

    ALL_OWNERS = "everyone"


ALL_OWNERS: Final = AllOwners.ALL_OWNERS


class OwnedSession(Session):
    """A session that reads and writes the rows of one owner, whatever it is asked.

    `owner` is a user's id, ALL_OWNERS, or None while nobody is bound; `bind_owner()` sets it once.
    """

    owner: str | AllOwners | None = None
    atomic_depth: int = 0
    _slot: Slot | None = None

    def get_bind(self, *arguments: Any, **options: Any) -> Engine | Connection:
        """Return the engine of this session: the one that is served, unless the session is everyone's.

        Raises:
            UnreachableStatement: a statement names another engine.
        """
        bind = super().get_bind(*arguments, **options)
        if self.owner is not ALL_OWNERS and not is_scoped(bind):
            raise UnreachableStatement("This engine serves everyone; leave the engine to the session.")
        return bind

    def bind_owner(self, owner: str | AllOwners) -> None:
        """Bind the owner for the rest of this session's life.

        Raises:
            ForeignRow: it serves another already; what it has loaded would cross over.
        """
        if self.owner not in (None, owner):
            raise ForeignRow("This session serves an owner already; open another session for another owner.")
        self.owner = owner

    @property
    def owner_id(self) -> str | None:
        """The id of the owner; None while nobody is bound, and for ALL_OWNERS."""
        return None if self.owner is ALL_OWNERS else self.owner

    def with_owner(self, values: Values) -> Values:
        """Return the values with which a statement runs for this session's owner."""
        return {**values, OWNER.key: self.owner_id}

    def insert_for(self, model: type[SQLModel], values: Values) -> tuple[Statement, Values]:
        """Return the statement that inserts one row and returns all of its columns; an owned row is the owner's.

        Raises:
            OwnerNotBound: there is nobody to give the row to.
            ForeignRow: the values name another owner, or an id.
        """
        if issubclass(model, Owned):
            values = {**values, OWNER_COLUMN: self._owner_of_new_row(values.get(OWNER_COLUMN), values.get("id"))}
        return _insert_of(model), self.with_owner(values)

    def transaction_connection(self) -> PoolProxiedConnection:
        """Return the connection of the transaction that this session is in, within a greenlet."""
        return super().connection().connection

    def open_transaction(self, isolation_level: str) -> None:
        """Take a connection out of AUTOCOMMIT for the transaction that has just begun."""
        super().connection(execution_options={"isolation_level": isolation_level})

    def connection(self, *args: Any, **kwargs: Any) -> Connection:
        """Refuse the raw connection, on which no hook would see a statement."""
        if self.owner is not ALL_OWNERS:
            raise UnreachableStatement("A raw connection is out of the owner's reach; execute ORM statements instead.")
        return super().connection(*args, **kwargs)

    def _connection_for_bind(self, engine: Any, execution_options: Any = None, **kwargs: Any) -> Connection:
        # A hook of SQLAlchemy's would be better, but `after_begin` comes when the connection has been taken already.
        self.acquire_slot(engine)
        try:
            return super()._connection_for_bind(engine, execution_options, **kwargs)
        finally:
            if not self.in_transaction():
                self.release_slot()

    def acquire_slot(self, bind: Engine | Connection) -> None:
        """Wait for the owner's turn, which lasts until the transaction ends; within a greenlet.

        Raises:
            OwnerBusy: the owner has too much under way.
        """
        if self._slot is None and isinstance(bind, Engine):
            slot = Slot(bind, self.owner_id)
            await_only(slot.acquire())
            self._slot = slot

    def release_slot(self) -> None:
        """Give the owner's turn back; the connection has been given back already."""
        if self._slot is not None:
            self._slot.release()
            self._slot = None

    def _refuse_bulk(self, *_: Any, **__: Any) -> NoReturn:
        raise UnreachableStatement("The bulk methods write past the hooks; use add_all() inside atomic().")

    bulk_save_objects = bulk_insert_mappings = bulk_update_mappings = _refuse_bulk

    def set_owner(self, row: Owned) -> None:
        """Give a new row its owner.

        Raises:
            OwnerNotBound: there is nobody to give the row to.
            ForeignRow: it names another owner, or chooses its own id.
        """
        row.user_id = self._owner_of_new_row(row.user_id, row.id)

    def _owner_of_new_row(self, given: str | None, row_id: int | None) -> str:
        """The owner of a new row: the session's, or, where it serves everyone, the one that was given."""
        owner = given if self.owner is ALL_OWNERS else self.owner
        if not isinstance(owner, str):
            raise OwnerNotBound
        if given not in (None, owner):
            raise ForeignRow("A new row names another owner than the one that this session serves.")
        if row_id is not None and self.owner is not ALL_OWNERS:
            # An id that is taken would fail and a free one would not: the answer would tell which ids others have.
            raise ForeignRow("A new row chooses its own id; leave it to the database.")
        return owner


@cache
def _insert_of(model: type[SQLModel]) -> Insert:
    # Of the table, not of the class: there is nothing to filter in it, and the ORM's takes four times as long.
    table = table_of(model)
    return insert(table).returning(*table.c)


@event.listens_for(OwnedSession, "after_begin")
def _on_begin(session: Session, _: SessionTransaction, connection: Connection) -> None:
    owner = _owned(session).owner_id
    connection.execution_options(**{OWNER_OPTION: owner})
    set_connection_owner(connection.connection, owner)


@event.listens_for(OwnedSession, "after_transaction_end")
def _on_end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        _owned(session).release_slot()


@event.listens_for(OwnedSession, "do_orm_execute")
def _on_statement(state: ORMExecuteState) -> None:
    """Refuse half-atomic work: a statement for several rows is several statements to some databases."""
    if isinstance(state.parameters, list) and state.is_update and state.is_orm_statement:
        raise UnreachableStatement("An UPDATE by keys needs all that a flush knows; use `update(...).where(...)`.")
    if isinstance(state.parameters, list) and len(state.parameters) > 1 and _owned(state.session).atomic_depth == 0:
        raise NotAtomic("A statement for several rows could store half of them; use `async with session.atomic():`.")


@event.listens_for(OwnedSession, "before_flush")
def _on_flush(session: Session, _: UOWTransaction, __: Any) -> None:
    """Stamp new rows with the owner; refuse rows of others, changed owners, chosen ids, and half-atomic work."""
    held = _owned(session)
    held.acquire_slot(held.get_bind())  # a flush takes its connection past `_connection_for_bind`
    changed = [row for row in session.dirty if session.is_modified(row)]
    for row in session.new:
        if isinstance(row, Owned):
            held.set_owner(row)
    for row in changed:
        if isinstance(row, Owned) and inspect(row).attrs[OWNER_COLUMN].history.has_changes():
            raise ForeignRow(f"{OWNER_COLUMN} was changed on a row, but the owner of a row never changes.")
    if held.atomic_depth == 0 and len(session.new) + len(changed) + len(session.deleted) > 1:
        raise NotAtomic("A flush of several rows could store half of them; use `async with session.atomic():`.")


@event.listens_for(OwnedSession, "before_attach")
def _on_attach(session: Session, row: object) -> None:
    """Let in the owner's rows only, and new ones, which have no owner yet."""
    if isinstance(row, Owned) and not (_owner_of(row) is None and inspect(row).key is None):
        _refuse_foreign(session, _owner_of(row))


@event.listens_for(OwnedSession, "loaded_as_persistent")
def _on_load(session: Session, row: object) -> None:
    """A tripwire for what the compiler should have kept out; a row may be loaded without its owner."""
    if isinstance(row, Owned) and _owner_of(row) is not None:
        _refuse_foreign(session, _owner_of(row))


def _owner_of(row: Owned) -> str | None:
    owner: str | None = inspect(row).dict.get(OWNER_COLUMN)
    return owner


def _refuse_foreign(session: Session, owner: str | None) -> None:
    if _owned(session).owner not in (ALL_OWNERS, owner):
        raise ForeignRow("A row of another owner was handed to this session.")


def _owned(session: Session) -> OwnedSession:
    return cast("OwnedSession", session)  # the hooks listen to this class only
