"""The JWKS URL and the claims of a stock Better Auth, from its base URL."""

from urllib.parse import urlsplit

from app.core.auth.tokens import ExpectedClaims
from app.settings import Settings


def jwks_url(settings: Settings) -> str:
    """Return the URL of the public keys, for settings with `uses_jwks`."""
    if settings.better_auth_jwks_url or not settings.better_auth_url:
        return settings.better_auth_jwks_url or ""
    base = settings.better_auth_url.rstrip("/")
    # Better Auth serves below /api/auth, unless its base URL has a path.
    return f"{base}/jwks" if urlsplit(base).path else f"{base}/api/auth/jwks"


def expected_claims(settings: Settings) -> ExpectedClaims:
    """Return the required `iss` and `aud`: the settings or, with public keys, the origin of BETTER_AUTH_URL."""
    # HS256 tokens that are signed by hand often have neither claim, so the URL is not their default.
    origin = origin_of(settings.better_auth_url) if settings.uses_jwks and settings.better_auth_url else None
    return ExpectedClaims(settings.jwt_issuer or origin, settings.jwt_audience or origin)


def origin_of(url: str) -> str:
    """Return the origin as a browser writes it: scheme, host in lower case, and the port unless it is the default."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    default_port = {"http": 80, "https": 443}[parts.scheme]
    port = f":{parts.port}" if parts.port not in {None, default_port} else ""
    return f"{parts.scheme}://[{host}]{port}" if ":" in host else f"{parts.scheme}://{host}{port}"
