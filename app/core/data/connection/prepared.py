"""Prepared statements: PostgreSQL reads and plans a statement once for a connection, and then knows it by its name.

To read and plan a look-up by key takes it twice as long as to carry it out. Behind a pooler nothing is prepared: there
the next flight may reach another process of the server, which knows other names.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, Final

from psycopg import errors
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

Batch = Sequence[tuple[str, Sequence[Any]]]
"""Texts, each with its values as they go over the wire."""

Command = tuple[Callable[..., None], *tuple[Any, ...]]
"""One message of a flight: the function of libpq that writes it, and what that is given."""

STALE_ERRORS: Final = (errors.FeatureNotSupported, errors.InvalidSqlStatementName)
"""What the server says where a prepared statement would now return other types of columns, or is not known to it."""

_MAX_STATEMENTS: Final = 100  # of one connection; each takes some 40 kB of the server's memory
_NOT_PREPARED: Final = b""  # in place of a name: sent once, and not prepared


class PreparedStatements:
    """What one connection has prepared: texts that were sent before, and of these the ones that were used last."""

    def __init__(self, connection: PGconn) -> None:
        self._connection = connection
        self._names: OrderedDict[str, bytes] = OrderedDict()

    def commands(self, batch: Batch) -> list[Command]:
        """Return what carries the flight out, and prepares what comes for the second time.

        Not for the first time: that costs more than to execute once, and a client chooses the columns of a change.
        """
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
            (self._connection.send_close_prepared, name),  # no error where there is none
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
        """Know what the server says it has prepared: that stays, even where a later step fails."""
        for (send, *arguments), result in zip(commands, results, strict=False):
            if send == self._connection.send_prepare and result.status == ExecStatus.COMMAND_OK:
                name, text = arguments
                self._names[text.decode()] = name

    def invalidate(self, batch: Batch) -> None:
        """Let these texts be prepared anew, whatever the server knows by their names."""
        for text, _ in batch:
            self._names[text] = _NOT_PREPARED


def _name_of(text: str) -> bytes:
    # Of the text alone: not even with a pooler that nobody has noticed does a name mean another statement.
    return blake2b(text.encode(), digest_size=16).hexdigest().encode()
