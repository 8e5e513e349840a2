"""The errors of `core/data`; `core/http/errors.py` maps them to HTTP statuses."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.exc import DontWrapMixin


class DataError(Exception):
    """The base class of the errors of `core/data`."""


class RowNotFound(DataError):
    """The caller has no such row. It may belong to another user: the two cases look the same."""

    def __init__(self, model: type) -> None:
        super().__init__(f"{model.__name__} not found")


class RowChanged(DataError):
    """The row was changed after the caller read it; `row` is its current state."""

    def __init__(self, model: type, row: Any) -> None:
        self.row = row
        super().__init__(f"{model.__name__} was changed meanwhile; read it again before you change it")


class FieldsReadOnly(DataError):
    """An update sends other values for columns that only the server sets."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"{', '.join(names)} cannot be changed")
        self.names = names


class OwnershipError(DataError, DontWrapMixin):
    """A bug in the program: a statement or a row that could reach another owner. No client can cause it."""


class OwnerNotBound(OwnershipError):
    """A statement about owned rows in a session without an owner."""

    def __init__(self) -> None:
        super().__init__(
            "This session has no owner, so it reaches no rows; let the guard bind one, or call everyone() in a command."
        )


class UnreachableStatement(OwnershipError):
    """A statement that cannot be limited to one owner: raw SQL, an unknown table, an unscoped engine."""


class ForeignRow(OwnershipError):
    """A row of another owner in a session, or a change of a row's owner or id."""


class OutcomeUnknown(DataError):
    """The connection broke while something was being stored, so it is stored or it is not."""

    def __init__(self) -> None:
        super().__init__("The connection was lost during this write. Check whether it was saved before you retry.")


class OwnerBusy(DataError):
    """The owner's limit of concurrent connections is reached, and none came free in time."""

    def __init__(self) -> None:
        super().__init__("You send too many requests at the same time; wait for the responses before you send more")


class NotAtomic(DataError):
    """Several statements outside of `session.atomic()`, of which only some could be committed."""


class ClosedMethod(DataError):
    """An inherited method that this project does not allow."""


class InvalidDump(DataError):
    """A dump that cannot be loaded; the message names the line and the reason."""


class UnfitRows(DataError):
    """Rows that a migration cannot keep; the message names them and says what to do."""


class MigrationError(DataError):
    """Migrations that cannot be run; the message says why and what to do."""


class BackupFailed(DataError):
    """A backup that cannot be made or restored; nothing was changed, and the message says why."""


class InvalidModel(DataError, TypeError):
    """A class of `models.py` is declared wrongly; the message names class, field and remedy."""


class ImpossibleRows(DataError):
    """A table in which no row can be stored; the message says why and what to do."""
