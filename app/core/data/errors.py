"""The errors of `core/data`; `core/http/exception_handlers.py` maps them to HTTP statuses."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.exc import DontWrapMixin


class DataError(Exception):
    """The base class of the errors of `core/data`."""


class RowNotFound(DataError):
    """The row does not exist, or belongs to another user; the caller cannot see which."""

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
    """A statement or a row that could reach another owner: a bug in the program, which no client can cause."""


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


class SumTooLarge(DataError):
    """A sum that JSON cannot have: JavaScript reads integers up to 2^53 - 1 exactly."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The sum `{name}` is larger than 2^53 - 1; ask for fewer rows")


class OutcomeUnknown(DataError):
    """The connection was lost during a write, so it is unknown whether the write was committed."""

    def __init__(self) -> None:
        super().__init__("The connection was lost during this write. Check whether it was saved before you retry.")


class OwnerBusy(DataError):
    """The owner uses as many connections as one owner may, and got no further one in time."""

    def __init__(self) -> None:
        super().__init__("You send too many requests at the same time; wait for the responses before you send more")


class NotAtomic(DataError):
    """Several statements outside of `session.atomic()`: a failure could leave only some of them committed."""


class ClosedMethod(DataError):
    """An inherited method that this project does not allow."""


class InvalidDump(DataError):
    """A dump that cannot be loaded; the message names the line and the reason."""


class UnfitRows(DataError):
    """A migration cannot keep these rows; the message names them and says what to do."""


class MigrationError(DataError):
    """The migrations cannot run; the message says why and what to do."""


class BackupFailed(DataError):
    """A backup failed, or its restore; nothing was changed, and the message says why."""


class InvalidDeclaration(DataError, TypeError):
    """A class of a noun is declared wrongly; the message names the class, the attribute and the remedy."""


class ImpossibleRows(DataError):
    """A table cannot hold any row; the message says why and what to do."""
