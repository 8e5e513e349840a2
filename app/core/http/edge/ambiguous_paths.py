"""Ambiguous paths: 404 for a path that a proxy and Litestar could read differently."""

from collections.abc import Awaitable

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from app.core.http.problems import NOT_FOUND, send_error


class AmbiguousPaths:
    """Answers 404 to paths with an empty segment or an encoded slash."""

    # Litestar reads `//schema` as `/schema`. A proxy does not, so its rule for `/schema` would not protect `//schema`.

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == ScopeType.HTTP and _is_ambiguous(scope):
            return send_error(send, 404, NOT_FOUND)
        return self._app(scope, receive, send)


def _is_ambiguous(scope: HTTPScope) -> bool:
    return "//" in scope["path"] or (b"%" in scope["raw_path"] and b"%2f" in scope["raw_path"].lower())
