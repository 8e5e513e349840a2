"""Tokens that are signed by hand, so that each one has exactly one thing wrong with it, and a valid signature."""

import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any, Final

import pytest

from app.core.auth.secret_keys import SecretKeys
from app.core.auth.tokens import ANY_ISSUER_AND_AUDIENCE, ExpectedClaims, InvalidToken, VerificationKeys, verify_token

KEY: Final = b"a key for the tests of tokens, and no other"
KEYS: Final = SecretKeys(KEY)
OTHER_KEY: Final = b"some other key of a good length, really"
NOW: Final = 1_800_000_000
HEADER: Final = '{"alg":"HS256"}'
SOON: Final = NOW + 900


def segment(content: str | bytes) -> str:
    raw = content.encode() if isinstance(content, str) else content
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(payload: str | bytes, header: str | bytes = HEADER, key: bytes = KEY, digest: str = "sha256") -> str:
    signed = f"{segment(header)}.{segment(payload)}"
    return f"{signed}.{segment(hmac.digest(key, signed.encode(), digest))}"


def claims(**changes: Any) -> str:
    """Return the payload of a good token with some claims changed; None takes one away."""
    merged = {"sub": "alice", "exp": SOON, **changes}
    return json.dumps({name: value for name, value in merged.items() if value is not None})


def raw_claims(exp: str = str(SOON), sub: str = '"alice"', more: str = "") -> str:
    """Return a payload whose values are written as given, for what `json.dumps` would not write."""
    return f'{{"sub":{sub},"exp":{exp}{more}}}'


def header(**members: Any) -> str:
    return json.dumps({"alg": "HS256", **members})


def swapped(token: str, part: int, content: str) -> str:
    """Return the token with one of its three parts replaced and the signature left as it was."""
    parts = token.split(".")
    parts[part] = content
    return ".".join(parts)


def reason_of(token: str, keys: VerificationKeys = KEYS, expected: ExpectedClaims = ANY_ISSUER_AND_AUDIENCE) -> str:
    with pytest.raises(InvalidToken) as refusal:
        verify_token(token, keys, expected)
    return refusal.value.reason
