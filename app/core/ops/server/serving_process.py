"""The serving process: uvicorn's server with draining at shutdown and a watchdog."""

import asyncio
import logging
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

import uvicorn

from app.core.ops.server.connection import Connection
from app.core.ops.server.protocol import DRAINING, PROTOCOL
from app.core.ops.server.watchdog import Watchdog

logger = logging.getLogger(__name__)

MAX_CONNECTIONS: Final = 4096  # about 80 MB of memory
MAX_DESCRIPTORS: Final = 65_536
_OTHER_DESCRIPTORS: Final = 64  # files, sockets and pipes besides those of clients and the database


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a process serves. All times are seconds. `shutdown_seconds` includes `drain_seconds`."""

    app: str = "app.asgi:serve"  # the application factory
    keep_alive: int = 75
    root_path: str = ""
    drain_seconds: float = 0.0  # before the sockets close
    shutdown_seconds: float = 20.0  # for the whole shutdown
    exit_when_hung: bool = False
    reserved_descriptors: int = 0  # file descriptors that the application needs itself


def make_config(options: ServerOptions) -> uvicorn.Config:
    """Return the configuration of uvicorn."""
    # One second is left for the shutdown of the application itself.
    graceful = max(1, int(options.shutdown_seconds - options.drain_seconds - 1))
    return uvicorn.Config(
        options.app,
        factory=True,
        http=PROTOCOL,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # handled by the application (TRUSTED_PROXIES)
        root_path=options.root_path,
        timeout_keep_alive=options.keep_alive,
        timeout_graceful_shutdown=graceful,
    )


class ServingProcess(uvicorn.Server):
    """Serves until a signal: SIGTERM drains first, SIGINT does not.

    A draining process serves, but /health/ready is 503 and each response closes its connection, so that a load balancer
    sends new requests elsewhere before the sockets close.
    """

    def __init__(self, options: ServerOptions, parent: socket.socket | None = None) -> None:
        super().__init__(make_config(options))
        self._options = options
        exit_when_hung = options.exit_when_hung or parent is not None
        self._watchdog = Watchdog(
            exit_when_hung=exit_when_hung, shutdown_seconds=options.shutdown_seconds, parent=parent
        )
        self._is_drain_requested = self._is_interrupted = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        Connection.max_connections = raise_descriptor_limit(self._options.reserved_descriptors)
        await super().startup(sockets)
        self._heartbeat_task = asyncio.create_task(self._heartbeat())
        self._watchdog.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._drain()
        await self._accept_backlog(sockets or [])
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start the shutdown. A second SIGINT also ends the requests in progress."""
        self._watchdog.start_shutdown_timer()
        self._is_drain_requested = sig == signal.SIGTERM and not self._is_interrupted
        if sig == signal.SIGINT:
            self.force_exit = self._is_interrupted
            self._is_interrupted = True
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own version raises the signals again at the end, so its exit code is not 0.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)
        yield

    async def _heartbeat(self) -> None:
        while True:
            self._watchdog.heartbeat()
            await asyncio.sleep(self._watchdog.interval)

    async def _drain(self) -> None:
        self.lifespan.state[DRAINING] = True
        loop = asyncio.get_running_loop()
        until, ticks = loop.time() + self._options.drain_seconds, 0
        if self._is_drain_requested and self._options.drain_seconds:
            logger.info("draining for %g s", self._options.drain_seconds)
        while self._is_drain_requested and loop.time() < until:
            await self.on_tick(ticks)  # updates the Date header
            ticks += 1
            await asyncio.sleep(0.1)

    async def _accept_backlog(self, sockets: list[socket.socket]) -> None:
        # Closing a socket resets the connections in its backlog, so they are accepted first.
        accepted = [connection for bound in sockets for connection in _accept_all(bound)]
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for connection in accepted:
            await loop.connect_accepted_socket(self._make_protocol, connection)

    def _make_protocol(self) -> asyncio.Protocol:
        protocol: Any = self.config.http_protocol_class
        made: asyncio.Protocol = protocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


def _accept_all(bound: socket.socket) -> Iterator[socket.socket]:
    bound.setblocking(False)
    while True:
        try:
            yield bound.accept()[0]
        except OSError:
            return


def raise_descriptor_limit(reserved: int) -> int:
    """Raise the limit of open files as far as possible; return the number of connections that it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    granted = max(soft, MAX_DESCRIPTORS) if hard == resource.RLIM_INFINITY else min(hard, max(soft, MAX_DESCRIPTORS))
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    except (OSError, ValueError):  # macOS: the real limit is below the reported one
        granted = soft
    return max(8, min(MAX_CONNECTIONS, granted - reserved - _OTHER_DESCRIPTORS))
