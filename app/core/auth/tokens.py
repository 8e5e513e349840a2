"""Bearer tokens: what makes one valid, and how one is issued. The rules are those of RFC 8725, and stand here alone.

Better Auth's secret signs other tokens too (e-mail verification, session cookies), and so may its published keys. None
of those gets in: nothing but `sub` is an identity here (no `userId`, no `email`, no `user.id`), a type that is not an
access token's is refused, and with published keys the audience is required.
"""

import json
import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import jwt

from app.core.auth.users import User

ALGORITHM: Final = "HS256"
MAX_TOKEN_BYTES: Final = 16_384
MAX_SUBJECT_LENGTH: Final = 255
CLOCK_SKEW: Final = 60  # seconds that `iat` and `nbf` may lie ahead: another machine's clock. `exp` has none.

_MAX_NUMERIC_DATE: Final = 253_402_300_799  # the end of the year 9999, in seconds
_COMPACT_JWS: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_LOGGABLE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Media types, which have no case; `application/` may be left out (RFC 7515, section 4.1.9, and RFC 9068, section 4).
_ACCESS_TOKEN_TYPES: Final = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})
# Every check that PyJWT would make on claims is made below instead: it takes numeric strings, booleans and years
# beyond 9999 for times, has one leeway for all of them, and refuses an `aud` that nobody asked about.
_SIGNATURE_ONLY: Final[Any] = {f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}


class InvalidToken(Exception):
    """The token says nothing about who is calling; `reason` is a code for the log, never for the client."""

    def __init__(self, reason: str, header_value: object = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self._header_value = header_value

    @property
    def for_log(self) -> str:
        """The reason and, where it is harmless to repeat, the algorithm or the key id that the token names."""
        is_harmless = isinstance(self._header_value, str) and _LOGGABLE.fullmatch(self._header_value)
        return f"{self.reason} ({self._header_value})" if is_harmless else self.reason


class UnknownKey(InvalidToken):
    """The token names a key that is not among ours; it may have been published since they were fetched."""

    def __init__(self, key_id: str) -> None:
        super().__init__("unknown_kid", key_id)


class VerificationKeys(Protocol):
    """The keys that tokens are checked with: all of one family, which the configuration chose and no token can."""

    def candidates(self, algorithm: str, key_id: object) -> Sequence[jwt.PyJWK]:
        """Return the keys that may have signed a token with this `alg` and `kid`, each bound to that algorithm.

        Raises:
            InvalidToken: none may.
        """


@dataclass(frozen=True, slots=True)
class ExpectedClaims:
    """What `iss` has to be, and `aud` to be or to contain, to the letter; None for anything, also for none."""

    issuer: str | None = None
    audience: str | None = None


ANY_ISSUER_AND_AUDIENCE: Final = ExpectedClaims()


def decode_token(
    token: str, keys: VerificationKeys, expected: ExpectedClaims = ANY_ISSUER_AND_AUDIENCE
) -> dict[str, Any]:
    """Return the claims of a token whose `sub` names a user and whose `exp` is a time to come, in seconds.

    Raises:
        InvalidToken: it is not valid, here and now.
    """
    header = read_header(token)
    claims = _decode_signed(token, keys.candidates(header["alg"], header.get("kid")))
    validate_claims(claims, expected)
    return claims


def verify_token(token: str, keys: VerificationKeys, expected: ExpectedClaims = ANY_ISSUER_AND_AUDIENCE) -> User:
    """Return the user whom the token names.

    Raises:
        InvalidToken: it is not valid, here and now.
    """
    return User(decode_token(token, keys, expected)["sub"])


def validate_claims(claims: dict[str, Any], expected: ExpectedClaims) -> None:
    """See that claims name a user, here and now, whoever says so.

    Raises:
        InvalidToken: they do not.
    """
    _check_times(claims, time.time())
    _check_issuer_and_audience(claims, expected)
    _check_subject(claims)


def issue_token(subject: str, key: bytes, lifetime: int, expected: ExpectedClaims = ANY_ISSUER_AND_AUDIENCE) -> str:
    """Return a token (HS256) for a user that is valid for `lifetime` seconds from now, where that is expected."""
    now = int(time.time())
    origin = {"iss": expected.issuer, "aud": expected.audience}
    claims = {"sub": subject, "iat": now, "exp": now + lifetime}
    return jwt.encode(claims | {name: value for name, value in origin.items() if value}, key, algorithm=ALGORITHM)


def is_valid_subject(text: str) -> bool:
    """Tell whether a text can be the id of a user, and so the owner of rows."""
    # Printable leaves out NUL, which PostgreSQL refuses, and lone surrogates, which no driver can encode.
    return bool(text.strip()) and len(text) <= MAX_SUBJECT_LENGTH and text.isprintable()


def read_header(token: str) -> Mapping[str, Any]:
    """Return the header of what is formed like a token: `alg` is a text, and nothing in it changes what is signed.

    Raises:
        InvalidToken: it is none. What is too long is not looked at.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise InvalidToken("too_long")
    if not _COMPACT_JWS.fullmatch(token):
        raise InvalidToken("malformed")
    segment = token.partition(".")[0]
    try:
        header = json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (ValueError, RecursionError):
        raise InvalidToken("malformed") from None
    if not isinstance(header, dict):
        raise InvalidToken("malformed")
    _check_header(header)
    return header


def _check_header(header: dict[str, Any]) -> None:
    if not isinstance(header.get("alg"), str):
        raise InvalidToken("alg_not_allowed")
    if "crit" in header or "b64" in header or "zip" in header:
        raise InvalidToken("extension_not_supported")
    kind = header.get("typ", "JWT")
    if kind is not None and not (isinstance(kind, str) and kind.lower() in _ACCESS_TOKEN_TYPES):
        raise InvalidToken("type_not_allowed")


def _decode_signed(token: str, candidates: Sequence[jwt.PyJWK]) -> dict[str, Any]:
    for key in candidates:
        try:
            return jwt.decode(token, key, algorithms=[key.algorithm_name], options=_SIGNATURE_ONLY)
        except jwt.InvalidSignatureError:
            continue
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise InvalidToken("malformed") from None
    raise InvalidToken("bad_signature")


def _check_times(claims: dict[str, Any], now: float) -> None:
    if "exp" not in claims:
        raise InvalidToken("no_exp")
    if _numeric_date(claims, "exp") <= now:
        raise InvalidToken("expired")
    if any(_numeric_date(claims, claim) > now + CLOCK_SKEW for claim in ("iat", "nbf") if claim in claims):
        raise InvalidToken("not_yet_valid")


def _numeric_date(claims: dict[str, Any], claim: str) -> float:
    value = claims[claim]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MAX_NUMERIC_DATE:
        raise InvalidToken(f"bad_{claim}")
    return value


def _check_issuer_and_audience(claims: dict[str, Any], expected: ExpectedClaims) -> None:
    if expected.issuer is not None and claims.get("iss") != expected.issuer:
        raise InvalidToken("iss_mismatch")
    if expected.audience is None:
        return
    audience = claims.get("aud")
    if audience != expected.audience and not (isinstance(audience, list) and expected.audience in audience):
        raise InvalidToken("aud_mismatch")


def _check_subject(claims: dict[str, Any]) -> None:
    subject = claims.get("sub")
    if not isinstance(subject, str):
        raise InvalidToken("no_sub")
    if not is_valid_subject(subject):
        raise InvalidToken("bad_sub")
