"""The hooks of the owned session: new objects get their owner, and objects of other owners are refused."""

from typing import Any, cast

from sqlalchemy import Connection, event, inspect
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, UOWTransaction

from app.core.data.connection.rls import set_connection_owner
from app.core.data.errors import ForeignRow, NotAtomic, UnreachableStatement
from app.core.data.ownership.engines import OWNER_OPTION
from app.core.data.ownership.owned_session import ALL_OWNERS, OwnedSession
from app.core.data.tables.owned import OWNER_COLUMN, Owned


def add_hooks(session_class: type[OwnedSession]) -> None:
    """Listen to the events of all sessions of this class."""
    event.listen(session_class, "after_begin", _after_begin)
    event.listen(session_class, "after_transaction_end", _after_transaction_end)
    event.listen(session_class, "do_orm_execute", _before_execute)
    event.listen(session_class, "before_flush", _before_flush)
    event.listen(session_class, "before_attach", _before_attach)
    event.listen(session_class, "loaded_as_persistent", _after_load)


def _after_begin(session: Session, _: SessionTransaction, connection: Connection) -> None:
    owner = _as_owned(session).owner_id
    connection.execution_options(**{OWNER_OPTION: owner})
    set_connection_owner(connection.connection, owner)


def _after_transaction_end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        _as_owned(session).release_slot()


def _before_execute(state: ORMExecuteState) -> None:
    # With several sets of parameters, the driver may execute several statements; AUTOCOMMIT commits each separately.
    if isinstance(state.parameters, list) and state.is_update and state.is_orm_statement:
        raise UnreachableStatement(
            "An UPDATE by primary keys bypasses the hooks of a flush; use `update(...).where(...)`."
        )
    if isinstance(state.parameters, list) and len(state.parameters) > 1 and _as_owned(state.session).atomic_depth == 0:
        raise NotAtomic("A statement for several rows could store half of them; use `async with session.atomic():`.")


def _before_flush(session: Session, _: UOWTransaction, __: Any) -> None:
    owned = _as_owned(session)
    owned.acquire_slot(owned.get_bind())  # a flush does not call `_connection_for_bind`
    changed = [row for row in session.dirty if session.is_modified(row)]
    for row in session.new:
        if isinstance(row, Owned):
            owned.set_owner(row)
    for row in changed:
        if isinstance(row, Owned) and inspect(row).attrs[OWNER_COLUMN].history.has_changes():
            raise ForeignRow(
                f"{OWNER_COLUMN} was changed on a row, but the owner of a row is final; leave it unchanged."
            )
    if owned.atomic_depth == 0 and len(session.new) + len(changed) + len(session.deleted) > 1:
        raise NotAtomic("A flush of several rows could store half of them; use `async with session.atomic():`.")


def _before_attach(session: Session, row: object) -> None:
    # A new row has no owner; the flush sets it.
    if isinstance(row, Owned) and not (_owner_of(row) is None and inspect(row).key is None):
        _refuse_foreign(session, _owner_of(row))


def _after_load(session: Session, row: object) -> None:
    # A second check after the compiler. A row may be loaded without its owner column.
    if isinstance(row, Owned) and _owner_of(row) is not None:
        _refuse_foreign(session, _owner_of(row))


def _owner_of(row: Owned) -> str | None:
    owner: str | None = inspect(row).dict.get(OWNER_COLUMN)
    return owner


def _refuse_foreign(session: Session, owner: str | None) -> None:
    if _as_owned(session).owner not in (ALL_OWNERS, owner):
        raise ForeignRow("This row belongs to another owner; load it in a session of that owner.")


def _as_owned(session: Session) -> OwnedSession:
    return cast("OwnedSession", session)  # the hooks listen to this class only
