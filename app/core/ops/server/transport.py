"""A proxy for the transport of a connection, because uvicorn closes the transport and not the connection."""

from collections.abc import Callable
from typing import Any


class TransportProxy:
    """A transport whose `close` is the lingering close of its connection."""

    def __init__(self, transport: Any, close: Callable[[], None]) -> None:
        self._transport = transport
        self.write = transport.write  # bound here: `__getattr__` is slower
        self.close = close

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
