"""A token to explain, and functions that print its values."""

import json
from base64 import urlsafe_b64decode
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.core.auth.better_auth import expected_claims
from app.core.auth.tokens import MAX_TOKEN_BYTES, ExpectedClaims
from app.settings import Settings

GET_A_TOKEN: Final = "get a token from Better Auth (GET /api/auth/token) and send that one"  # noqa: S105  # no secret

_MAX_PRINTED: Final = 100  # characters of a claim


@dataclass(frozen=True, slots=True)
class Case:
    """A token and the settings that check it. Its header and its claims are decoded, but not verified."""

    token: str
    settings: Settings
    header: dict[str, Any] = field(init=False)
    claims: dict[str, Any] = field(init=False)
    expected: ExpectedClaims = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "header", _decoded(self.token, 0))
        object.__setattr__(self, "claims", _decoded(self.token, 1))
        object.__setattr__(self, "expected", expected_claims(self.settings))


def printable(value: object) -> str:
    """Return a value of the token on one line, without control characters, which a terminal would execute."""
    text = ascii(value)
    return text if len(text) <= _MAX_PRINTED else f"{text[:_MAX_PRINTED]}..."


def timestamp(seconds: float) -> str:
    """Return seconds since 1970 as a UTC time."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def duration(seconds: float) -> str:
    """Return seconds as days, hours, minutes and seconds."""
    return str(timedelta(seconds=round(seconds)))


def _decoded(token: str, index: int) -> dict[str, Any]:
    # A part that is not a JSON object is an empty dict.
    with suppress(ValueError, IndexError, RecursionError):
        segment = token[: MAX_TOKEN_BYTES + 1].split(".")[index]
        part = json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
        return part if isinstance(part, dict) else {}
    return {}
