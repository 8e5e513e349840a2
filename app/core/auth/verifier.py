"""The verifier that every request passes: the keys in use, and a short memory for the tokens that they let in."""

import time
from hashlib import sha256
from typing import Final

from app.core.auth.tokens import ANY_ISSUER_AND_AUDIENCE, ExpectedClaims, VerificationKeys, decode_token
from app.core.auth.users import User

CACHE_SECONDS: Final = 60  # seconds that a valid token is not verified again


class TokenVerifier:
    """Verifies tokens, and remembers for a minute at most those that were valid.

    A remembered token is known by the whole of it, never by a part, and is refused once it has expired, or once the
    keys are others. One that is not valid is never remembered: what an attacker sends takes no place.
    """

    def __init__(
        self, keys: VerificationKeys, expected: ExpectedClaims = ANY_ISSUER_AND_AUDIENCE, cache_size: int = 10_000
    ) -> None:
        self._keys = keys
        self._expected = expected
        self._cache_size = cache_size
        self._cache: dict[bytes, tuple[User, float]] = {}

    def set_keys(self, keys: VerificationKeys) -> None:
        """Verify with these keys from now on, and forget whom the former ones let in."""
        self._keys = keys
        self._cache.clear()

    def verify(self, token: str) -> User:
        """Return the user whom the token names.

        Raises:
            InvalidToken: it is not valid, here and now.
        """
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
            del self._cache[next(iter(self._cache))]  # the one that has been known for longest
        self._cache[digest] = user, expires_at
