"""The 500 for an exception that no exception handler caught."""

from collections.abc import Awaitable

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.core.http.problems import INTERNAL_ERROR, send_error


class LastResort:
    """Answers 500 if no response has started, and raises the exception again for the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_started = False

        def send_and_note_start(message: Message) -> Awaitable[None]:
            nonlocal is_started
            is_started = True
            return send(message)

        try:
            await self._app(scope, receive, send_and_note_start)
        except Exception:
            if not is_started and scope["type"] == ScopeType.HTTP:
                await send_error(send, 500, INTERNAL_ERROR)
            raise
