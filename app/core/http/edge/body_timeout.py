"""Body timeout: 408 for a body that takes too long."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Final

from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, Receive, Scope, Send

BODY_TIMEOUT: Final = 30.0  # seconds for the whole body

_WITHOUT_BODY: Final = frozenset({"GET", "OPTIONS"})
_CLOSE: Final = {"Connection": "close"}


class BodyTimeout:
    """Limits the seconds for the whole body of a request."""

    def __init__(self, app: ASGIApp, seconds: float = BODY_TIMEOUT) -> None:
        self._app = app
        self._seconds = seconds

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope.get("method", "GET") not in _WITHOUT_BODY:
            receive = _with_deadline(receive, self._seconds)
        return self._app(scope, receive, send)


def _with_deadline(receive: Receive, seconds: float) -> Receive:
    deadline = asyncio.get_running_loop().time() + seconds
    is_complete = False

    async def receive_with_deadline() -> Any:
        nonlocal is_complete
        if is_complete:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException("The body took too long to arrive", status_code=408, headers=_CLOSE) from None
        if message["type"] == "http.disconnect":  # no client reads this answer; the status is for the log
            raise HTTPException("The client closed the connection", status_code=408, headers=_CLOSE)
        is_complete = not message.get("more_body", False)
        return message

    return receive_with_deadline
