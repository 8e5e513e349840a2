"""The bearer middleware: a route needs a token unless its handler has `public=True`.

The log has the reason for a 401, the client does not get it. A token in a cookie or in the query is ignored.
"""

import logging
import string
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from litestar import Litestar
from litestar.exceptions import HTTPException, NotAuthorizedException, ServiceUnavailableException
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
"""The handler option of a route that needs no token."""

UNAUTHORIZED: Final = "Invalid or expired token"

logger = logging.getLogger(__name__)

_TOKEN_CHARACTERS: Final = f"{string.ascii_letters}{string.digits}._~+/=-".encode()
_MISSING: Final = {"WWW-Authenticate": "Bearer", "Cache-Control": "no-store"}
_INVALID: Final = {"WWW-Authenticate": 'Bearer error="invalid_token"', "Cache-Control": "no-store"}
_NO_KEYS: Final = {"Retry-After": "5", "Cache-Control": "no-store"}  # seconds


class Authentication:
    """Verifies tokens, and refreshes public keys while the application runs."""

    def __init__(self, verifier: TokenVerifier, jwks: JwksClient | None = None) -> None:
        self._verifier = verifier
        self._jwks = jwks

    def has_keys(self) -> bool:
        return self._jwks is None or self._jwks.has_keys

    def verify(self, scope: Scope) -> User:
        return self._verifier.verify(_token_of(scope))

    async def fetch_unknown_key(self) -> None:
        if self._jwks is not None:
            await self._jwks.refresh_for_unknown_key()

    @asynccontextmanager
    async def lifespan(self, _: Litestar) -> AsyncIterator[None]:
        if self._jwks is None:
            yield
        else:
            async with self._jwks.lifespan():
                yield


class BearerMiddleware:
    """Sets `scope["user"]` to the user of a valid token; other requests get a 401, or a 503 without public keys."""

    # OPTIONS needs no token: it reads no row.

    def __init__(self, app: ASGIApp, authentication: Authentication) -> None:
        self._app = app
        self._authentication = authentication

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["route_handler"].opt.get(PUBLIC) and scope.get("method") != "OPTIONS":
            try:
                scope["user"] = self._authentication.verify(scope)
            except (UnknownKey, KeysUnavailable):
                scope["user"] = await self._verify_with_new_keys(scope)
            except Exception as error:
                raise _refusal(error) from None
        await self._app(scope, receive, send)

    async def _verify_with_new_keys(self, scope: Scope) -> User:
        try:
            await self._authentication.fetch_unknown_key()
            return self._authentication.verify(scope)
        except Exception as error:
            raise _refusal(error) from None


def make_authentication(settings: Settings) -> Authentication:
    """Return the authentication with the secret or the public keys of these settings.

    Raises:
        InvalidSettings: a secret is not usable, or cannot be generated.
    """
    expected = expected_claims(settings)
    if not settings.uses_jwks:
        return Authentication(TokenVerifier(SecretKeys(*signing_keys(settings)), expected))
    verifier = TokenVerifier(JwkSet(), expected)
    return Authentication(verifier, JwksClient(jwks_url(settings), verifier.set_keys))


def _token_of(scope: Scope) -> str:
    sent = [value for name, value in scope["headers"] if name == b"authorization"]
    if not sent:
        raise InvalidToken("missing")
    if len(sent) > 1:
        raise InvalidToken("several_headers")
    scheme, _, rest = sent[0].partition(b" ")
    token = rest.strip(b" ")
    # `translate` is faster than a regular expression, which takes 2 % of a request.
    if scheme.lower() != b"bearer" or not token or token.translate(None, _TOKEN_CHARACTERS):
        raise InvalidToken("no_bearer_token")
    return token.decode("ascii")


def _refusal(error: Exception) -> HTTPException:
    # The log gets the reason, the client does not.
    if isinstance(error, KeysUnavailable):
        logger.error("refused: no_keys")
        return ServiceUnavailableException("Tokens cannot be verified at the moment; try again", headers=_NO_KEYS)
    if isinstance(error, InvalidToken):
        logger.warning("refused: %s", error.for_log)
    else:
        # Any exception is a 401: an attacker may find an input for which the verification fails in another way.
        logger.error("verifying a token failed in an unforeseen way", exc_info=error)
        logger.warning("refused: unforeseen")
    if isinstance(error, InvalidToken) and error.reason == "missing":
        return NotAuthorizedException("Authentication required", headers=_MISSING)
    return NotAuthorizedException(UNAUTHORIZED, headers=_INVALID)
