"""The owned session: it serves one owner, on an engine whose compiler writes nothing but that owner's part of a table.

Statements need nothing from it but the owner's id. Its hooks are about objects: new rows get their owner, and rows of
others do not come in. With no owner bound a statement about owned rows raises.
"""

from enum import Enum
from functools import cache
from typing import Any, Final, NoReturn

from sqlalchemy import Connection, Engine, Insert, PoolProxiedConnection, insert
from sqlalchemy.orm import Session
from sqlalchemy.util import await_only
from sqlmodel import SQLModel

from app.core.data.connection.compiled import Statement, Values
from app.core.data.connection.concurrency import Slot
from app.core.data.errors import ForeignRow, OwnerNotBound, UnreachableStatement
from app.core.data.ownership.engines import is_scoped
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
