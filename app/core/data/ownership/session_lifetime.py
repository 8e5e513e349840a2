"""The lifetime of a request's session: it is closed at the end of the request."""

from litestar.types import ASGIApp, Receive, Scope, Send

from app.core.data.ownership.plugin import request_session


class SessionLifetime:
    """Closes the session of a request at the end of the request."""

    # The plugin closes it when the response starts, so that a slow client holds no connection. A background task or a
    # stream may use the session after that; without this its connection would never return to the pool.

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            session = request_session(scope)
            if session is not None:
                await session.close()
