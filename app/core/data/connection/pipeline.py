"""Pipelines: several statements to PostgreSQL in one round trip, which are committed together."""

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

from app.core.data.connection.json_loading import FastJsonbLoader
from app.core.data.connection.prepared import STALE_ERRORS, Batch, Command, PreparedStatements

Query = tuple[str, Sequence[Any]]
"""SQL with PostgreSQL's placeholders ($1, $2), and the values."""

_SUCCESS: Final = frozenset({ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK})
_CANCEL_TIMEOUT: Final = 1.0  # seconds that a cancelled request waits


# Problem: psycopg's cursors and pipelines take two to three times the CPU time, and have no timeout. Its pipeline also
# loses the error that the server sends before it closes a connection; without that error it is unknown whether a write
# was executed. Decision: call libpq directly. Cost: `add_reader` needs an event loop of Unix.
class PipelineConnection(AsyncConnection[TupleRow]):
    """A connection that executes pipelines in AUTOCOMMIT; psycopg executes the statements of transactions."""

    response_timeout: ClassVar[float] = 8.0  # seconds; more than the server's own timeouts (README)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.adapters.register_loader("jsonb", FastJsonbLoader)
        self._transformer = Transformer(self)
        self.prepared: PreparedStatements | None = None

    def prepare_if_direct(self, backend_pid: int) -> None:
        """Use prepared statements if there is no pooler; `backend_pid` is the server process of this connection."""
        # A pooler sends its own cancellation keys to its clients, with another process id than the server's.
        if backend_pid == self.pgconn.backend_pid and capabilities.has_send_close_prepared():
            self.prepared = PreparedStatements(self.pgconn)

    async def execute_pipeline(self, *queries: Query) -> list[TupleRow]:
        """Execute the queries in one round trip, and return the rows of the last one.

        Raises:
            psycopg.Error: one failed, so none had an effect. Without a `sqlstate` the outcome is unknown, and the
                connection is closed.
        """
        async with self.lock:
            batch = [(text, self._dump(values)) for text, values in queries]
            try:
                result = await self._execute_once(batch)
            except STALE_ERRORS:
                if self.prepared is None:
                    raise
                self.prepared.invalidate(batch)  # the failed batch had no effect
                result = await self._execute_once(batch)
            self._transformer.set_pgresult(result)
            return self._transformer.load_rows(0, result.ntuples, tuple)

    def _dump(self, values: Sequence[Any]) -> Sequence[Any]:
        # As text, so the server derives the type from the statement. psycopg would choose the type of an integer by its
        # size, but a prepared statement has fixed types.
        return self._transformer.dump_sequence(values, [PyFormat.TEXT] * len(values))

    async def _execute_once(self, batch: Batch) -> PGresult:
        commands = self._commands(batch)
        try:
            results = await self._send_and_receive(commands)
        except asyncio.CancelledError:
            await _run_to_completion(self._cancel_and_close())
            raise
        except psycopg.OperationalError as error:
            if error.sqlstate is None:  # a statement may still be running on it
                self.pgconn.finish()
            raise
        if self.prepared and len(commands) > len(batch):  # nearly always False: all statements are already prepared
            self.prepared.record_prepared(commands, results)
        _raise_first_error(results)
        return results[-1]

    def _commands(self, batch: Batch) -> list[Command]:
        if self.prepared:
            return self.prepared.commands(batch)
        return [(self.pgconn.send_query_params, text.encode(), values) for text, values in batch]

    async def _send_and_receive(self, commands: list[Command]) -> list[PGresult]:
        # Returns when the server is ready for the next statement, which is after the commit.
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
            _raise_first_error(results)  # the server sent the reason before it closed the connection
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
            if result is None:  # the end; in a pipeline, the end of one statement
                if not is_pipeline or self.pgconn.status == ConnStatus.BAD:
                    return
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return
            else:
                results.append(result)

    async def _wait_ready(self, deadline: float, *, for_write: bool = False) -> None:
        # Waits until the socket can be read or, with `for_write`, written.
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
        with suppress(psycopg.Error):
            await self.cancel_safe(timeout=_CANCEL_TIMEOUT)
            await self._receive([], asyncio.get_running_loop().time() + _CANCEL_TIMEOUT)
        self.pgconn.finish()


def _set_ready(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _set_timed_out(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_exception(psycopg.OperationalError("the database does not answer"))


async def _run_to_completion(work: Coroutine[Any, Any, None]) -> None:
    # Also if the caller is cancelled again meanwhile.
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)


def _raise_first_error(results: list[PGresult]) -> None:
    for result in results:
        if result.status not in _SUCCESS:
            raise error_from_result(result)
