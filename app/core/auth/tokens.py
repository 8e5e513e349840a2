"""Access tokens (JWT): their verification (RFC 8725) and their issue."""

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
CLOCK_SKEW: Final = 60  # seconds that `iat` and `nbf` may be in the future; `exp` has no leeway

_MAX_NUMERIC_DATE: Final = 253_402_300_799  # end of the year 9999, in seconds
_COMPACT_JWS: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_LOGGABLE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Better Auth signs other tokens with the same keys (e-mail verification, session cookies). They are not valid here:
# `typ` must be an access token's, only `sub` identifies a user (not `userId`, `email` or `user.id`), and with public
# keys the audience is required.
# `typ` is a media type: case-insensitive, `application/` is optional (RFC 7515, section 4.1.9; RFC 9068, section 4).
_ACCESS_TOKEN_TYPES: Final = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})
# The claims are checked in this file instead of in PyJWT, which accepts numeric strings, booleans and years after 9999
# as times, has one leeway for all of them, and refuses an `aud` where no audience is required.
_SIGNATURE_ONLY: Final[Any] = {f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}


class InvalidToken(Exception):
    """The token is not valid now. `reason` is a code for the log; the client does not get it."""

    def __init__(self, reason: str, header_value: object = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self._header_value = header_value

    @property
    def for_log(self) -> str:
        """The reason, with the token's `alg` or `kid` if that is safe to log."""
        is_safe = isinstance(self._header_value, str) and _LOGGABLE.fullmatch(self._header_value)
        return f"{self.reason} ({self._header_value})" if is_safe else self.reason


class UnknownKey(InvalidToken):
    """No known key has this `kid`; the issuer may have published a new key since the last fetch."""

    def __init__(self, key_id: str) -> None:
        super().__init__("unknown_kid", key_id)


class VerificationKeys(Protocol):
    """The keys that verify tokens. The settings choose the kind of key; a token cannot."""

    def candidates(self, algorithm: str, key_id: object) -> Sequence[jwt.PyJWK]:
        """Return the keys for a token with this `alg` and `kid`; without one, raise InvalidToken."""


@dataclass(frozen=True, slots=True)
class ExpectedClaims:
    """The exact `iss`, and the exact `aud` or an entry of it. None means that the claim is not checked."""

    issuer: str | None = None
    audience: str | None = None


ANY_ISSUER_AND_AUDIENCE: Final = ExpectedClaims()


def decode_token(
    token: str, keys: VerificationKeys, expected: ExpectedClaims = ANY_ISSUER_AND_AUDIENCE
) -> dict[str, Any]:
    """Verify a token and return its claims, or raise InvalidToken."""
    header = read_header(token)
    claims = _decode_signed(token, keys.candidates(header["alg"], header.get("kid")))
    validate_claims(claims, expected)
    return claims


def verify_token(token: str, keys: VerificationKeys, expected: ExpectedClaims = ANY_ISSUER_AND_AUDIENCE) -> User:
    """Verify a token and return its user, or raise InvalidToken."""
    return User(decode_token(token, keys, expected)["sub"])


def validate_claims(claims: dict[str, Any], expected: ExpectedClaims) -> None:
    """Raise InvalidToken for a missing or invalid claim: times, issuer, audience and subject."""
    _check_times(claims, time.time())
    _check_issuer_and_audience(claims, expected)
    _check_subject(claims)


def issue_token(subject: str, key: bytes, lifetime: int, expected: ExpectedClaims = ANY_ISSUER_AND_AUDIENCE) -> str:
    """Return an HS256 token for a user, valid for `lifetime` seconds, with the expected `iss` and `aud`."""
    now = int(time.time())
    origin = {"iss": expected.issuer, "aud": expected.audience}
    claims = {"sub": subject, "iat": now, "exp": now + lifetime}
    return jwt.encode(claims | {name: value for name, value in origin.items() if value}, key, algorithm=ALGORITHM)


def is_valid_subject(text: str) -> bool:
    """Tell whether a text can be a user id."""
    # `isprintable` excludes NUL, which PostgreSQL refuses, and lone surrogates, which no driver can encode.
    return bool(text.strip()) and len(text) <= MAX_SUBJECT_LENGTH and text.isprintable()


def read_header(token: str) -> Mapping[str, Any]:
    """Return the header of a token, or raise InvalidToken. The header is checked, the signature is not."""
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
