"""The bearer middleware: every route is private until its handler says `public=True`.

It adds one fact to the request, `scope["user"]`. What is wrong with a token is for the log; a client reads one of two
sentences. A token in a cookie or in the query is never looked at.
"""

import logging
import string
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, NotAuthorizedException, ServiceUnavailableException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from app.core.auth.better_auth import expected_claims, jwks_url
from app.core.auth.jwk_set import JwkSet, KeysUnavailable
from app.core.auth.jwks_client import JwksClient
from app.core.auth.secret_keys import SecretKeys, signing_keys
from app.core.auth.tokens import InvalidToken, UnknownKey
from app.core.auth.users import User
from app.core.auth.verifier import TokenVerifier
from app.settings import Settings

PUBLIC: Final = "public"
"""The handler option that opens a route to everybody."""

logger = logging.getLogger(__name__)

_OF_A_TOKEN: Final = f"{string.ascii_letters}{string.digits}._~+/=-".encode()
_MISSING: Final = {"WWW-Authenticate": "Bearer", "Cache-Control": "no-store"}
_INVALID: Final = {"WWW-Authenticate": 'Bearer error="invalid_token"', "Cache-Control": "no-store"}
_LATER: Final = {"Retry-After": "5", "Cache-Control": "no-store"}  # seconds


class BearerMiddleware(ASGIMiddleware):
    """Lets through who has a valid token, as `scope["user"]`; answers 401 to everybody else.

    While there are no public keys yet, a token that they would be needed for is answered 503. OPTIONS describes a route
    and tells nothing of its rows: it passes, and its session serves nobody.
    """

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)
    exclude_opt_key = PUBLIC

    def __init__(self, verifier: TokenVerifier, jwks: JwksClient | None = None) -> None:
        self._verifier = verifier
        self._jwks = jwks

    def has_keys(self) -> bool:
        """Tell whether there is something to check tokens with."""
        return self._jwks is None or self._jwks.has_keys

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Verify the token, before anything looks at the body."""
        if scope.get("method") != "OPTIONS":
            try:
                scope["user"] = self._verifier.verify(_token_of(scope))
            except (UnknownKey, KeysUnavailable):
                scope["user"] = await self._verify_again(scope)
            except Exception as error:
                raise _refusal(error) from None
        await next_app(scope, receive, send)

    @asynccontextmanager
    async def lifespan(self, _: Litestar) -> AsyncIterator[None]:
        """Keep the public keys fresh while the application runs."""
        if self._jwks is None:
            yield
        else:
            async with self._jwks.lifespan():
                yield

    async def _verify_again(self, scope: Scope) -> User:
        """Verify with keys that may have been published since ours were fetched."""
        try:
            if self._jwks is not None:
                await self._jwks.refresh_for_unknown_key()
            return self._verifier.verify(_token_of(scope))
        except Exception as error:
            raise _refusal(error) from None


def make_bearer_middleware(settings: Settings) -> BearerMiddleware:
    """Return the middleware for the one family of keys that is configured.

    Raises:
        InvalidSettings: there is no secret, and none can be made.
    """
    expected = expected_claims(settings)
    if not settings.uses_jwks:
        return BearerMiddleware(TokenVerifier(SecretKeys(*signing_keys(settings)), expected))
    verifier = TokenVerifier(JwkSet(), expected)
    return BearerMiddleware(verifier, JwksClient(jwks_url(settings), verifier.set_keys))


def _token_of(scope: Scope) -> str:
    sent = [value for name, value in scope["headers"] if name == b"authorization"]
    if not sent:
        raise InvalidToken("missing")
    if len(sent) > 1:
        raise InvalidToken("several_headers")
    scheme, _, rest = sent[0].partition(b" ")
    token = rest.strip(b" ")
    # A pattern would look at each letter of a token, in one part in fifty of a request.
    if scheme.lower() != b"bearer" or not token or token.translate(None, _OF_A_TOKEN):
        raise InvalidToken("no_bearer_token")
    return token.decode("ascii")


def _refusal(error: Exception) -> HTTPException:
    """Log why, and return what the client reads: next to nothing."""
    if isinstance(error, KeysUnavailable):
        logger.error("refused: no_keys")
        return ServiceUnavailableException("Tokens cannot be checked at the moment", headers=_LATER)
    if isinstance(error, InvalidToken):
        logger.warning("refused: %s", error.for_log)
    else:
        # Whatever an attacker finds to break the verification with, it stays a refusal.
        logger.error("verifying a token failed in an unforeseen way", exc_info=error)
        logger.warning("refused: unforeseen")
    if isinstance(error, InvalidToken) and error.reason == "missing":
        return NotAuthorizedException("Authentication required", headers=_MISSING)
    return NotAuthorizedException("Invalid or expired token", headers=_INVALID)
