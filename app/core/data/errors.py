"""What can go wrong with stored rows, named for what happened; `core/http/errors.py` gives each its status."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.exc import DontWrapMixin


class DataError(Exception):
    """The base of all that this room raises."""


class RowNotFound(DataError):
    """No such row among the caller's own: absent or somebody else's, which nobody can tell apart."""

    def __init__(self, model: type) -> None:
        super().__init__(f"{model.__name__} not found")


class RowChanged(DataError):
    """The row was changed after the caller read it; `row` is as it is now."""

    def __init__(self, model: type, row: Any) -> None:
        self.row = row
        super().__init__(f"{model.__name__} was changed meanwhile; read it again before you change it")


class FieldsReadOnly(DataError):
    """A change names other values of columns that only the server sets."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"{', '.join(names)} cannot be changed")
        self.names = names


class OwnershipError(DataError, DontWrapMixin):
    """A program's mistake, never a client's: a statement or a row that could cross from one owner to another."""


class OwnerNotBound(OwnershipError):
    """Owned rows were asked for in a session that serves nobody."""

    def __init__(self) -> None:
        super().__init__(
            "This session serves no owner, so it has no rows: let the guard bind one, or in a command say everyone()."
        )


class UnreachableStatement(OwnershipError):
    """A statement that no owner can be added to: raw SQL, an unknown table, another engine."""


class ForeignRow(OwnershipError):
    """A row of another owner was handed to a session, or a row's owner was about to change."""


class OutcomeUnknown(DataError):
    """The connection broke while something was being stored, so it is stored or it is not."""

    def __init__(self) -> None:
        super().__init__("The connection was lost during this write. Check whether it was saved before you retry.")


class OwnerBusy(DataError):
    """The owner has as many connections in use as one may, and they were not free in time."""

    def __init__(self) -> None:
        super().__init__("You ask for too much at once; wait for the answers before you ask for more")


class NotAtomic(DataError):
    """Work of several statements outside `session.atomic()`, where half of it could stay behind."""


class ClosedMethod(DataError):
    """An inherited method that this project does not let anybody use."""


class InvalidDump(DataError):
    """What is to be loaded cannot be; the message says which line and why, to whoever has the file."""


class UnfitRows(DataError):
    """A migration does not fit the rows that are there; the message says which and what to do, to whoever migrates."""


class MigrationError(DataError):
    """The migrations cannot be run as they are; the message says why and what to do, to whoever migrates."""


class BackupFailed(DataError):
    """A backup cannot be made or restored, and nothing was changed; the message says why, to whoever asked for it."""


class InvalidModel(DataError, TypeError):
    """A class of `models.py` is declared wrongly; the message names class, field and remedy."""


class ImpossibleRows(DataError):
    """A table that no row can be stored in; the message says why and what to do, to whoever wrote the models."""
