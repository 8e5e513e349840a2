"""What a stock Better Auth does under its URL: where it publishes its keys, and what its tokens say of themselves."""

from urllib.parse import urlsplit

from app.core.auth.tokens import ExpectedClaims
from app.settings import Settings


def jwks_url(settings: Settings) -> str:
    """Return the address of the public keys (`settings.uses_jwks`).

    Better Auth serves below /api/auth, unless its base URL has a path of its own.
    """
    if settings.better_auth_jwks_url or not settings.better_auth_url:
        return settings.better_auth_jwks_url or ""
    base = settings.better_auth_url.rstrip("/")
    return f"{base}/jwks" if urlsplit(base).path else f"{base}/api/auth/jwks"


def expected_claims(settings: Settings) -> ExpectedClaims:
    """Return what `iss` and `aud` have to be: what is set or, with public keys, the origin of Better Auth's URL.

    Who signs HS256 by hand rarely writes either, so with a secret the URL says nothing about them.
    """
    origin = origin_of(settings.better_auth_url) if settings.uses_jwks and settings.better_auth_url else None
    return ExpectedClaims(settings.jwt_issuer or origin, settings.jwt_audience or origin)


def origin_of(url: str) -> str:
    """Return scheme, host and port as a browser writes them: in lower case, and without a port that goes unsaid."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    unsaid = {"http": 80, "https": 443}[parts.scheme]
    port = f":{parts.port}" if parts.port not in {None, unsaid} else ""
    return f"{parts.scheme}://[{host}]{port}" if ":" in host else f"{parts.scheme}://{host}{port}"
