"""The bearer middleware: every route is private until its handler says `public=True`.

It adds one fact to the request, `scope["user"]`. What is wrong with a token is for the log; a client reads one of two
sentences. A token in a cookie or in the query is never looked at.
"""

import logging
import re
from typing import Final

from litestar.enums import ScopeType
from litestar.exceptions import NotAuthorizedException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from app.core.auth.tokens import InvalidToken, TokenVerifier
from app.core.auth.users import User

PUBLIC: Final = "public"
"""The handler option that opens a route to everybody."""

logger = logging.getLogger(__name__)

_BEARER: Final = re.compile(rb"bearer +([A-Za-z0-9._~+/=-]+) *", re.IGNORECASE)


class BearerMiddleware(ASGIMiddleware):
    """Lets through who has a valid token, as `scope["user"]`; answers 401 to everybody else.

    OPTIONS describes a route and tells nothing of its rows: it passes, and its session serves nobody.
    """

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)
    exclude_opt_key = PUBLIC

    def __init__(self, key: bytes) -> None:
        self._tokens = TokenVerifier(key)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Verify the token, before anything looks at the body."""
        if scope.get("method") != "OPTIONS":
            scope["user"] = self._caller(scope)
        await next_app(scope, receive, send)

    def _caller(self, scope: Scope) -> User:
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        if not sent:
            raise _refused("missing", "Authentication required", "Bearer")
        try:
            return self._tokens.verify(_bearer_token(sent))
        except InvalidToken as error:
            reason = error.reason
        except Exception:
            # Whatever an attacker finds to break the verification with, it stays a refusal.
            logger.exception("verifying a token failed in an unforeseen way")
            reason = "unforeseen"
        raise _refused(reason, "Invalid or expired token", 'Bearer error="invalid_token"')


def _bearer_token(sent: list[bytes]) -> str:
    if len(sent) > 1:
        raise InvalidToken("several_headers")
    match = _BEARER.fullmatch(sent[0])
    if match is None:
        raise InvalidToken("no_bearer_token")
    return match[1].decode("ascii")


def _refused(reason: str, detail: str, challenge: str) -> NotAuthorizedException:
    logger.warning("refused: %s", reason)
    return NotAuthorizedException(detail, headers={"WWW-Authenticate": challenge, "Cache-Control": "no-store"})
