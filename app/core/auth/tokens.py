"""Bearer tokens: what makes one valid, and how one is issued. The rules are those of RFC 8725.

The same secret signs other tokens of Better Auth (e-mail verification, session cookies). None of them has a `sub`, and
nothing but `sub` is an identity here: no `userId`, no `email`, no `user.id`.
"""

import json
import re
import time
from base64 import urlsafe_b64decode
from hashlib import sha256
from typing import Any, Final

import jwt

from app.core.auth.users import User

ALGORITHM: Final = "HS256"
MAX_TOKEN_BYTES: Final = 16_384
MAX_SUBJECT_LENGTH: Final = 255
REMEMBERED: Final = 60  # seconds that a valid token is not verified again
CLOCK_SKEW: Final = 60  # seconds that `iat` and `nbf` may lie ahead: another machine's clock. `exp` has none.

_LAST_MOMENT: Final = 253_402_300_799  # the end of the year 9999, in seconds
_SEGMENTS: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_TYPES: Final = frozenset({None, "JWT", "at+jwt"})
# Every check that PyJWT would make on claims is made below instead: it takes numeric strings, booleans and years
# beyond 9999 for times, has one leeway for all of them, and refuses an `aud` that nobody asked about.
_SIGNATURE_ONLY: Final[Any] = {f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}


class InvalidToken(Exception):
    """The token says nothing about who is calling; `reason` is a code for the log, never for the client."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def verify_token(token: str, key: bytes) -> User:
    """Return the user whom the token names.

    Raises:
        InvalidToken: it is not valid, here and now.
    """
    return User(_subject(_claims_of(token, key)))


class TokenVerifier:
    """Verifies tokens, and remembers for a minute at most those that were valid.

    A remembered token is known by the whole of it, never by a part, and is refused once it has expired. One that is
    not valid is never remembered: what an attacker sends takes no place.
    """

    def __init__(self, key: bytes, size: int = 10_000) -> None:
        self._key = key
        self._size = size
        self._known: dict[bytes, tuple[User, float]] = {}

    def verify(self, token: str) -> User:
        """Return the user whom the token names.

        Raises:
            InvalidToken: it is not valid, here and now.
        """
        digest, now = sha256(token.encode()).digest(), time.time()
        user, until = self._known.get(digest, (None, 0.0))
        if user is not None and now < until:
            return user
        claims = _claims_of(token, self._key)
        user = User(_subject(claims))
        self._remember(digest, user, min(claims["exp"], now + REMEMBERED))
        return user

    def _remember(self, digest: bytes, user: User, until: float) -> None:
        if len(self._known) >= self._size:
            del self._known[next(iter(self._known))]  # the one that has been known for longest
        self._known[digest] = user, until


def _claims_of(token: str, key: bytes) -> dict[str, Any]:
    if len(token) > MAX_TOKEN_BYTES:
        raise InvalidToken("too_long")
    if not _SEGMENTS.fullmatch(token):
        raise InvalidToken("malformed")
    try:
        _check_header(_header_of(token))
        claims = jwt.decode(token, key, algorithms=[ALGORITHM], options=_SIGNATURE_ONLY)
    except jwt.InvalidSignatureError:
        raise InvalidToken("bad_signature") from None
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise InvalidToken("malformed") from None
    _check_times(claims, time.time())
    return claims


def issue_token(subject: str, key: bytes, lifetime: int) -> str:
    """Return a token for a user that is valid for `lifetime` seconds from now."""
    now = int(time.time())
    return jwt.encode({"sub": subject, "iat": now, "exp": now + lifetime}, key, algorithm=ALGORITHM)


def _header_of(token: str) -> Any:
    segment = token.partition(".")[0]
    return json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


def _check_header(header: Any) -> None:
    if not isinstance(header, dict):
        raise InvalidToken("malformed")
    if header.get("alg") != ALGORITHM:
        raise InvalidToken("alg_not_allowed")
    if "crit" in header or "b64" in header or "zip" in header:
        raise InvalidToken("extension_not_supported")
    kind = header.get("typ")
    if not isinstance(kind, str | None) or kind not in _TYPES:
        raise InvalidToken("type_not_allowed")


def _check_times(claims: dict[str, Any], now: float) -> None:
    if "exp" not in claims:
        raise InvalidToken("no_exp")
    if _moment(claims, "exp") <= now:
        raise InvalidToken("expired")
    if any(_moment(claims, claim) > now + CLOCK_SKEW for claim in ("iat", "nbf") if claim in claims):
        raise InvalidToken("not_yet_valid")


def _moment(claims: dict[str, Any], claim: str) -> float:
    value = claims[claim]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LAST_MOMENT:
        raise InvalidToken(f"bad_{claim}")
    return value


def _subject(claims: dict[str, Any]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str):
        raise InvalidToken("no_sub")
    if not is_subject(subject):
        raise InvalidToken("bad_sub")
    return subject


def is_subject(text: str) -> bool:
    """Tell whether a text can be the id of a user, and so the owner of rows."""
    # Printable leaves out NUL, which PostgreSQL refuses, and lone surrogates, which no driver can encode.
    return bool(text.strip()) and len(text) <= MAX_SUBJECT_LENGTH and text.isprintable()
