"""The verifier that every request passes: the keys in use, and a short memory for the tokens that they let in."""

import time
from hashlib import sha256
from typing import Final

from app.core.auth.tokens import ANYBODY, Expected, Keys, verify_claims
from app.core.auth.users import User

REMEMBERED: Final = 60  # seconds that a valid token is not verified again


class TokenVerifier:
    """Verifies tokens, and remembers for a minute at most those that were valid.

    A remembered token is known by the whole of it, never by a part, and is refused once it has expired, or once the
    keys are others. One that is not valid is never remembered: what an attacker sends takes no place.
    """

    def __init__(self, keys: Keys, expected: Expected = ANYBODY, size: int = 10_000) -> None:
        self._keys = keys
        self._expected = expected
        self._size = size
        self._known: dict[bytes, tuple[User, float]] = {}

    def use(self, keys: Keys) -> None:
        """Verify with these keys from now on, and forget whom the former ones let in."""
        self._keys = keys
        self._known.clear()

    def verify(self, token: str) -> User:
        """Return the user whom the token names.

        Raises:
            InvalidToken: it is not valid, here and now.
        """
        digest, now = sha256(token.encode()).digest(), time.time()
        user, until = self._known.get(digest, (None, 0.0))
        if user is not None and now < until:
            return user
        claims = verify_claims(token, self._keys, self._expected)
        user = User(claims["sub"])
        self._remember(digest, user, min(claims["exp"], now + REMEMBERED))
        return user

    def _remember(self, digest: bytes, user: User, until: float) -> None:
        if len(self._known) >= self._size:
            del self._known[next(iter(self._known))]  # the one that has been known for longest
        self._known[digest] = user, until
