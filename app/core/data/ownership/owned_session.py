"""The owned session: a SQLAlchemy session with one owner, on the scoped engine; `hooks.py` checks its objects."""

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
from app.core.data.sql.owner_compiler import OWNER
from app.core.data.tables.owned import OWNER_COLUMN, Owned
from app.core.data.tables.registry import table_of, visible_columns


class AllOwners(Enum):
    """The type of `ALL_OWNERS`, which equals no user id."""

    ALL_OWNERS = "everyone"


ALL_OWNERS: Final = AllOwners.ALL_OWNERS


class OwnedSession(Session):
    """A session that reads and writes the rows of one owner; without an owner it raises OwnerNotBound."""

    owner: str | AllOwners | None = None
    atomic_depth: int = 0
    _slot: Slot | None = None

    def get_bind(self, *arguments: Any, **options: Any) -> Engine | Connection:
        bind = super().get_bind(*arguments, **options)
        if self.owner is not ALL_OWNERS and not is_scoped(bind):
            raise UnreachableStatement("This engine reaches the rows of all owners; leave the engine to the session.")
        return bind

    def bind_owner(self, owner: str | AllOwners) -> None:
        if self.owner not in (None, owner):  # it may have loaded rows of that owner
            raise ForeignRow("This session has an owner; open another session for another owner.")
        self.owner = owner

    @property
    def owner_id(self) -> str | None:
        return None if self.owner is ALL_OWNERS else self.owner

    def with_owner(self, values: Values) -> Values:
        return {**values, OWNER.key: self.owner_id}

    def insert_for(self, model: type[SQLModel], values: Values) -> tuple[Statement, Values]:
        """Return an INSERT of one row for the owner, which returns all of its columns, and its values."""
        if issubclass(model, Owned):
            values = {**values, OWNER_COLUMN: self._owner_of_new_row(values.get(OWNER_COLUMN), values.get("id"))}
        return _insert_of(model), self.with_owner(values)

    def transaction_connection(self) -> PoolProxiedConnection:
        """Return the connection of the current transaction; call it in a greenlet."""
        return super().connection().connection

    def open_transaction(self, isolation_level: str) -> None:
        """Take the connection of the new transaction out of AUTOCOMMIT; call it in a greenlet."""
        super().connection(execution_options={"isolation_level": isolation_level})

    def connection(self, *args: Any, **kwargs: Any) -> Connection:
        if self.owner is not ALL_OWNERS:  # the hooks do not see the statements on a connection
            raise UnreachableStatement(
                "A raw connection cannot be limited to one owner; execute ORM statements instead."
            )
        return super().connection(*args, **kwargs)

    def _connection_for_bind(self, engine: Any, execution_options: Any = None, **kwargs: Any) -> Connection:
        # An override, because SQLAlchemy's event `after_begin` comes after the checkout of the connection.
        self.acquire_slot(engine)
        try:
            return super()._connection_for_bind(engine, execution_options, **kwargs)
        finally:
            if not self.in_transaction():
                self.release_slot()

    def acquire_slot(self, bind: Engine | Connection) -> None:
        """Wait for a slot of the owner, until the transaction ends; call it in a greenlet."""
        if self._slot is None and isinstance(bind, Engine):
            slot = Slot(bind, self.owner_id)
            await_only(slot.acquire())
            self._slot = slot

    def release_slot(self) -> None:
        if self._slot is not None:
            self._slot.release()
            self._slot = None

    def _refuse_bulk(self, *_: Any, **__: Any) -> NoReturn:
        raise UnreachableStatement("The bulk methods bypass the hooks; use add_all() inside atomic().")

    bulk_save_objects = bulk_insert_mappings = bulk_update_mappings = _refuse_bulk

    def set_owner(self, row: Owned) -> None:
        """Set the owner of a new row; raise ForeignRow if it names another owner, or an id."""
        row.user_id = self._owner_of_new_row(row.user_id, row.id)

    def _owner_of_new_row(self, given: str | None, row_id: int | None) -> str:
        # In a session for all owners, each row names its owner.
        owner = given if self.owner is ALL_OWNERS else self.owner
        if not isinstance(owner, str):
            raise OwnerNotBound
        if given not in (None, owner):
            raise ForeignRow("A new row names another owner than this session's; leave the owner out.")
        if row_id is not None and self.owner is not ALL_OWNERS:
            # An id that another row has would fail, and so reveal which ids other owners have.
            raise ForeignRow("A new row chooses its own id; leave it to the database.")
        return owner


@cache
def _insert_of(model: type[SQLModel]) -> Insert:
    # Into the table, not the class: an ORM insert takes four times as long.
    table = table_of(model)
    return insert(table).returning(*visible_columns(table))
