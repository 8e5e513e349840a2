"""The token verifier, with a short cache of valid tokens."""

import time
from hashlib import sha256
from typing import Final

from app.core.auth.tokens import ANY_ISSUER_AND_AUDIENCE, ExpectedClaims, VerificationKeys, decode_token
from app.core.auth.users import User

CACHE_SECONDS: Final = 60  # then a token is verified again


class TokenVerifier:
    """Verifies tokens, and caches valid ones for `CACHE_SECONDS`, but not past their expiry."""

    # The cache key is a hash of the whole token. Invalid tokens are not cached, so an attacker cannot fill the cache.

    def __init__(
        self, keys: VerificationKeys, expected: ExpectedClaims = ANY_ISSUER_AND_AUDIENCE, cache_size: int = 10_000
    ) -> None:
        self._keys = keys
        self._expected = expected
        self._cache_size = cache_size
        self._cache: dict[bytes, tuple[User, float]] = {}

    def set_keys(self, keys: VerificationKeys) -> None:
        """Replace the keys, and clear the cache."""
        self._keys = keys
        self._cache.clear()

    def verify(self, token: str) -> User:
        digest, now = sha256(token.encode()).digest(), time.time()
        user, expires_at = self._cache.get(digest, (None, 0.0))
        if user is not None and now < expires_at:
            return user
        claims = decode_token(token, self._keys, self._expected)
        user = User(claims["sub"])
        self._add_to_cache(digest, user, min(claims["exp"], now + CACHE_SECONDS))
        return user

    def _add_to_cache(self, digest: bytes, user: User, expires_at: float) -> None:
        if len(self._cache) >= self._cache_size:
            del self._cache[next(iter(self._cache))]  # the oldest entry
        self._cache[digest] = user, expires_at
