"""The transport proxy: uvicorn closes its transport, but must close the connection."""

from collections.abc import Callable
from typing import Any


class TransportProxy:
    """The transport that uvicorn sees. Its `close` is the connection's, with a lingering close."""

    def __init__(self, transport: Any, close: Callable[[], None]) -> None:
        self._transport = transport
        self.write = transport.write  # bound here: `__getattr__` is slower
        self.close = close

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
