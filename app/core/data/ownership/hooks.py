"""The hooks of the owned session: new rows get their owner, and rows of others do not come in."""

from typing import Any, cast

from sqlalchemy import Connection, event, inspect
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, UOWTransaction

from app.core.data.connection.rls import set_connection_owner
from app.core.data.errors import ForeignRow, NotAtomic, UnreachableStatement
from app.core.data.ownership.engines import OWNER_OPTION
from app.core.data.ownership.owned_session import ALL_OWNERS, OwnedSession
from app.core.data.tables.owned import OWNER_COLUMN, Owned


def add_hooks(session_class: type[OwnedSession]) -> None:
    """Let the hooks see what its sessions do."""
    event.listen(session_class, "after_begin", _on_begin)
    event.listen(session_class, "after_transaction_end", _on_end)
    event.listen(session_class, "do_orm_execute", _on_statement)
    event.listen(session_class, "before_flush", _on_flush)
    event.listen(session_class, "before_attach", _on_attach)
    event.listen(session_class, "loaded_as_persistent", _on_load)


def _on_begin(session: Session, _: SessionTransaction, connection: Connection) -> None:
    owner = _owned(session).owner_id
    connection.execution_options(**{OWNER_OPTION: owner})
    set_connection_owner(connection.connection, owner)


def _on_end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        _owned(session).release_slot()


def _on_statement(state: ORMExecuteState) -> None:
    """Refuse half-atomic work: a statement for several rows is several statements to some databases."""
    if isinstance(state.parameters, list) and state.is_update and state.is_orm_statement:
        raise UnreachableStatement("An UPDATE by keys needs all that a flush knows; use `update(...).where(...)`.")
    if isinstance(state.parameters, list) and len(state.parameters) > 1 and _owned(state.session).atomic_depth == 0:
        raise NotAtomic("A statement for several rows could store half of them; use `async with session.atomic():`.")


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


def _on_attach(session: Session, row: object) -> None:
    """Let in the owner's rows only, and new ones, which have no owner yet."""
    if isinstance(row, Owned) and not (_owner_of(row) is None and inspect(row).key is None):
        _refuse_foreign(session, _owner_of(row))


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
