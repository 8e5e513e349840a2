"""Prepared statements: PostgreSQL parses and plans a statement once for each direct connection."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, Final

from psycopg import errors
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

Batch = Sequence[tuple[str, Sequence[Any]]]
"""SQL texts, each with its values encoded for PostgreSQL."""

Command = tuple[Callable[..., None], *tuple[Any, ...]]
"""A function of libpq that sends one message, and its arguments."""

STALE_ERRORS: Final = (errors.FeatureNotSupported, errors.InvalidSqlStatementName)
"""The errors if a column of a prepared statement has another type now, or if the server does not know the statement."""

_MAX_STATEMENTS: Final = 100  # for each connection; each takes about 40 kB of the server's memory
_NOT_PREPARED: Final = b""  # instead of the name of a statement that was executed once


# For a look-up by key, parsing and planning take twice as long as execution.
class PreparedStatements:
    """An LRU cache of one connection, from the SQL text to the name of the prepared statement."""

    def __init__(self, connection: PGconn) -> None:
        self._connection = connection
        self._names: OrderedDict[str, bytes] = OrderedDict()

    def commands(self, batch: Batch) -> list[Command]:
        """Return the commands that execute the batch, and prepare each statement at its second execution."""
        # Not at the first: to prepare a statement costs more than one execution saves. Clients choose the columns of an
        # UPDATE, so many statements are executed only once.
        return [command for text, values in batch for command in self._commands(text, values)]

    def _commands(self, text: str, values: Sequence[Any]) -> list[Command]:
        name = self._names.get(text)
        if name is None:
            return [*self._remember(text), (self._connection.send_query_params, text.encode(), values)]
        self._names.move_to_end(text)
        if name != _NOT_PREPARED:
            return [(self._connection.send_query_prepared, name, values)]
        name = _name_of(text)
        return [
            (self._connection.send_close_prepared, name),  # no error where it does not exist
            (self._connection.send_prepare, name, text.encode()),
            (self._connection.send_query_prepared, name, values),
        ]

    def _remember(self, text: str) -> list[Command]:
        self._names[text] = _NOT_PREPARED
        if len(self._names) <= _MAX_STATEMENTS:
            return []
        _, name = self._names.popitem(last=False)
        return [(self._connection.send_close_prepared, name)] if name else []

    def record_prepared(self, commands: Sequence[Command], results: Sequence[PGresult]) -> None:
        """Record the statements that the server has prepared; they remain even if a later command fails."""
        for (send, *arguments), result in zip(commands, results, strict=False):
            if send == self._connection.send_prepare and result.status == ExecStatus.COMMAND_OK:
                name, text = arguments
                self._names[text.decode()] = name

    def invalidate(self, batch: Batch) -> None:
        """Prepare the statements of the batch again at their next execution."""
        for text, _ in batch:
            self._names[text] = _NOT_PREPARED


def _name_of(text: str) -> bytes:
    # A hash of the text, so a name never belongs to another statement, even behind an undetected pooler.
    return blake2b(text.encode(), digest_size=16).hexdigest().encode()
