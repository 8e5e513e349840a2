"""Flights: statements to PostgreSQL all at once, and the rows of the last one back, by libpq itself.

One flight is one round trip, and outside of a transaction it is stored as a whole or not at all. psycopg's cursors and
pipelines do the same, at two to three times the CPU time; a pipeline of theirs also loses what the server says when it
ends a connection, without which nobody knows whether a write was carried out; and neither has an end to its patience.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Final

import psycopg
from psycopg import AsyncConnection, capabilities
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow

from app.core.data.connection.prepared import STALE_ERRORS, Batch, Command, PreparedStatements

Query = tuple[str, Sequence[Any]]
"""SQL with PostgreSQL's own places for values ($1, $2), and the values."""

_SUCCESS: Final = frozenset({ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK})
_CANCEL_TIMEOUT: Final = 1.0  # seconds; whoever has cancelled is waiting for it


class PipelineConnection(AsyncConnection[TupleRow]):
    """A connection that can fly, while it is in AUTOCOMMIT: transactions are psycopg's to begin."""

    response_timeout: ClassVar[float] = 8.0  # seconds; the server's own limits (README) come first, unless it is frozen

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._transformer = Transformer(self)
        self.prepared: PreparedStatements | None = None

    def prepare_if_direct(self, backend_pid: int) -> None:
        """Prepare statements from now on, if the process that answers is the one to which the connection was made.

        A pooler gives its clients keys of its own, in which another process is named.
        """
        if backend_pid == self.pgconn.backend_pid and capabilities.has_send_close_prepared():
            self.prepared = PreparedStatements(self.pgconn)

    async def execute_pipeline(self, *queries: Query) -> list[TupleRow]:
        """Execute the queries in one round trip, and return the rows of the last one.

        Raises:
            psycopg.Error: one failed, and with it all; without a `sqlstate` nobody knows, and the connection is closed.
        """
        async with self.lock:
            batch = [(text, self._dump(values)) for text, values in queries]
            try:
                result = await self._execute_once(batch)
            except STALE_ERRORS:
                if self.prepared is None:
                    raise
                self.prepared.invalidate(batch)  # nothing of it is stored
                result = await self._execute_once(batch)
            self._transformer.set_pgresult(result)
            return self._transformer.load_rows(0, result.ntuples, tuple)

    def _dump(self, values: Sequence[Any]) -> Sequence[Any]:
        # As text, which the server reads as what the statement needs in its place. psycopg would name a type as well,
        # for an integer one of four, by its size; and what is prepared is prepared for its types.
        return self._transformer.dump_sequence(values, [PyFormat.TEXT] * len(values))

    async def _execute_once(self, batch: Batch) -> PGresult:
        commands = self._commands(batch)
        try:
            results = await self._send_and_receive(commands)
        except asyncio.CancelledError:
            await _run_to_completion(self._cancel_and_close())
            raise
        except psycopg.OperationalError as error:
            if error.sqlstate is None:  # nobody knows what is still under way on it
                self.pgconn.finish()
            raise
        if self.prepared and len(commands) > len(batch):  # nearly always everything is prepared
            self.prepared.record_prepared(commands, results)
        _raise_first_error(results)
        return results[-1]

    def _commands(self, batch: Batch) -> list[Command]:
        if self.prepared:
            return self.prepared.commands(batch)
        return [(self.pgconn.send_query_params, text.encode(), values) for text, values in batch]

    async def _send_and_receive(self, commands: list[Command]) -> list[PGresult]:
        """Send, and return all results once the server says that it is ready for more: then it has committed."""
        results: list[PGresult] = []
        deadline = asyncio.get_running_loop().time() + self.response_timeout
        is_pipeline = len(commands) > 1
        if is_pipeline:
            self.pgconn.enter_pipeline_mode()
        for send, *arguments in commands:
            send(*arguments)
        try:
            if is_pipeline:
                self.pgconn.pipeline_sync()
            await self._flush(deadline)
            await self._receive(results, deadline)
        except psycopg.OperationalError:
            _raise_first_error(results)  # the server said why, before it closed the connection
            raise
        if is_pipeline:
            self.pgconn.exit_pipeline_mode()
        return results

    async def _flush(self, deadline: float) -> None:
        while self.pgconn.flush():
            await self._wait_ready(deadline, for_write=True)
            self.pgconn.consume_input()

    async def _receive(self, results: list[PGresult], deadline: float) -> None:
        is_pipeline = bool(self.pgconn.pipeline_status)
        while True:
            while self.pgconn.is_busy():
                await self._wait_ready(deadline)
                self.pgconn.consume_input()
            result = self.pgconn.get_result()
            if result is None:  # in a pipeline it is the end of one statement
                if not is_pipeline or self.pgconn.status == ConnStatus.BAD:
                    return
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return
            else:
                results.append(result)

    async def _wait_ready(self, deadline: float, *, for_write: bool = False) -> None:
        """Wait until there is something to read, or until something can be written.

        Raises:
            psycopg.OperationalError: the time is over.
        """
        loop, socket = asyncio.get_running_loop(), self.pgconn.socket
        ready = loop.create_future()
        loop.add_reader(socket, _set_ready, ready)
        if for_write:
            loop.add_writer(socket, _set_ready, ready)
        timer = loop.call_at(deadline, _set_timed_out, ready)
        try:
            await ready
        finally:
            timer.cancel()
            loop.remove_reader(socket)
            if for_write:
                loop.remove_writer(socket)

    async def _cancel_and_close(self) -> None:
        """Let the server stop what is under way, and close the connection."""
        with suppress(psycopg.Error):
            await self.cancel_safe(timeout=_CANCEL_TIMEOUT)
            await self._receive([], asyncio.get_running_loop().time() + _CANCEL_TIMEOUT)
        self.pgconn.finish()


def _set_ready(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _set_timed_out(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_exception(psycopg.OperationalError("the server does not answer"))


async def _run_to_completion(work: Coroutine[Any, Any, None]) -> None:
    """Do it, however often whoever waits for it is cancelled."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)


def _raise_first_error(results: list[PGresult]) -> None:
    for result in results:
        if result.status not in _SUCCESS:
            raise error_from_result(result)
