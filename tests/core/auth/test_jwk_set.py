"""Published keys: which are used, for which algorithm, and which are left out whatever the issuer says of them."""

import json
import logging
from typing import Any, Final

import pytest

from app.core.auth.jwk_set import InvalidJwkSet, JwkSet, KeysUnavailable, parse_jwk_set
from app.core.auth.tokens import ExpectedClaims, InvalidToken, UnknownKey, verify_token
from tests.parts.issuer import ALGORITHMS, ORIGIN, key_set, pair

GOOD: Final = pair("EdDSA", "good").public
RSA: Final = pair("RS256").public
STOCK: Final = ExpectedClaims(ORIGIN, ORIGIN)


def without(key: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in key.items() if name not in names}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_verifies_what_its_other_half_has_signed(algorithm: str) -> None:
    keys = parse_jwk_set(key_set(pair(algorithm), pair(algorithm, "second")))

    assert verify_token(pair(algorithm).sign(), keys, STOCK).id == "alice"
    assert verify_token(pair(algorithm, "second").sign(), keys, STOCK).id == "alice"
    with pytest.raises(InvalidToken, match="bad_signature"):
        verify_token(pair(algorithm).sign({"kid": "second"}), keys, STOCK)


USABLE: Final = {
    "as it comes from better auth": GOOD,
    "meant for signatures": {**GOOD, "use": "sig"},
    "meant to verify": {**GOOD, "key_ops": ["verify"]},
    "use null": {**GOOD, "use": None},
    "with members that nobody knows": {**GOOD, "x5c": ["MIIB"], "x5u": "https://evil.example", "exp": 1, "ext": True},
    "Ed25519 without an algorithm": without(GOOD, "alg"),
    "P-256 without an algorithm": without(pair("ES256").public, "alg"),
    "P-521 without an algorithm": without(pair("ES512").public, "alg"),
    "RSA without an algorithm": without(RSA, "alg"),
    "RSA with a crv that is null": {**RSA, "crv": None},
}


@pytest.mark.parametrize("key", USABLE.values(), ids=USABLE)
def test_a_usable_key_is_used(key: dict[str, Any]) -> None:
    assert parse_jwk_set(key_set(key)).jwks == {key["kid"]: key}


USELESS: Final[dict[str, object]] = {
    "no kid": without(GOOD, "kid"),
    "kid empty": {**GOOD, "kid": ""},
    "kid a number": {**GOOD, "kid": 1},
    "kid a list": {**GOOD, "kid": ["good"]},
    "kid too long": {**GOOD, "kid": "k" * 256},
    "no kty": without(GOOD, "kty"),
    "kty unknown": {**GOOD, "kty": "XYZ"},
    "kty a list": {**GOOD, "kty": ["OKP"]},
    "a secret": {"kty": "oct", "k": "c2VjcmV0" * 8, "kid": "good", "alg": "HS256"},
    "a secret without an algorithm": {"kty": "oct", "k": "c2VjcmV0" * 8, "kid": "good"},
    "a secret and more": {**GOOD, "k": "c2VjcmV0" * 8},
    "a private Ed25519 key": pair("EdDSA", "good").secret,
    "a private P-256 key": pair("ES256").secret,
    "a private RSA key": pair("RS256").secret,
    "a private RSA key's d": {**RSA, "d": "AQAB"},
    "a private RSA key's p": {**RSA, "p": "AQAB"},
    "alg HS256": {**GOOD, "alg": "HS256"},
    "alg HS256 on RSA": {**RSA, "alg": "HS256"},
    "alg none": {**GOOD, "alg": "none"},
    "alg RS1": {**RSA, "alg": "RS1"},
    "alg RSA1_5": {**RSA, "alg": "RSA1_5"},
    "alg a list": {**GOOD, "alg": ["EdDSA"]},
    "alg of another kind": {**GOOD, "alg": "ES256"},
    "alg of another curve": {**pair("ES256").public, "alg": "ES512"},
    "RS256 on an elliptic curve": {**pair("ES256").public, "alg": "RS256"},
    "EdDSA on RSA": {**RSA, "alg": "EdDSA"},
    "Ed448": {**GOOD, "crv": "Ed448"},
    "X25519": {**GOOD, "crv": "X25519"},
    "P-384 without an algorithm": {**without(pair("ES256").public, "alg"), "crv": "P-384"},
    "no curve": without(GOOD, "crv"),
    "curve a list": {**GOOD, "crv": ["Ed25519"]},
    "meant for encryption": {**GOOD, "use": "enc"},
    "use a list": {**GOOD, "use": ["sig"]},
    "meant to sign": {**GOOD, "key_ops": ["sign"]},
    "meant for nothing": {**GOOD, "key_ops": []},
    "operations of a wrong type": {**GOOD, "key_ops": "verify"},
    "no x": without(GOOD, "x"),
    "x empty": {**GOOD, "x": ""},
    "x null": {**GOOD, "x": None},
    "x a number": {**GOOD, "x": 1},
    "x a list": {**GOOD, "x": ["AA"]},
    "x too short": {**GOOD, "x": "AAAA"},
    "x not base64": {**GOOD, "x": "%%%"},
    "x not ASCII": {**GOOD, "x": "ä" * 43},
    "a point that is not on the curve": {**pair("ES256").public, "y": "A" * 43},
    "no y": without(pair("ES256").public, "y"),
    "RSA without n": without(RSA, "n"),
    "RSA with n of zero": {**RSA, "n": "AA"},
    "RSA with e of 1": {**RSA, "e": "AQ"},
    "RSA with an even e": {**RSA, "e": "Ag"},
    "RSA with n a number": {**RSA, "n": 2**2048},
    "RSA of 1024 bits": pair("RS256", "weak", 1024).public,
    "RSA of 1024 bits for PS256": pair("PS256", "weak", 1024).public,
    "RSA of 16384 bits": {**RSA, "n": "_" * 2730},
    "null": None,
    "a text": "key",
    "a number": 1,
    "a list": [],
    "an empty object": {},
}


@pytest.mark.parametrize("key", USELESS.values(), ids=USELESS)
def test_a_key_that_cannot_be_trusted_is_left_out_and_the_others_count(
    key: object, caplog: pytest.LogCaptureFixture
) -> None:
    other = pair("ES256", "other")

    assert parse_jwk_set(key_set(key, other)).jwks == {"other": other.public}
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("skipped key number 1 of the JWK set: ")
    if isinstance(key, dict):
        assert not [v for v in key.values() if isinstance(v, str) and len(v) > 10 and v in caplog.text]
    with pytest.raises(InvalidJwkSet, match="none of the 1 keys in the set can be used"):
        parse_jwk_set(key_set(key))


NO_SETS: Final = {
    "empty": b"",
    "HTML": b"<!doctype html><title>Sign in</title>",
    "a text": b'"keys"',
    "a list": json.dumps([GOOD]).encode(),
    "one key": json.dumps(GOOD).encode(),
    "keys an object": json.dumps({"keys": {"good": GOOD}}).encode(),
    "keys null": b'{"keys":null}',
    "keys a text": b'{"keys":"good"}',
    "no keys": b'{"keys":[]}',
    "null": b"null",
    "cut off": key_set(GOOD)[:-2],
    "not UTF-8": b'{"keys":["\xff"]}',
    "UTF-16": json.dumps({"keys": [GOOD]}).encode("utf-16"),
    "deeply nested": b'{"keys":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "two sets": key_set(GOOD) * 2,
    "gzip": b"\x1f\x8b\x08\x00",
}


@pytest.mark.parametrize("body", NO_SETS.values(), ids=NO_SETS)
def test_what_is_no_set_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidJwkSet):
        parse_jwk_set(body)


def test_two_different_keys_of_one_id_are_both_left_out(caplog: pytest.LogCaptureFixture) -> None:
    twin = {**pair("EdDSA", "another").public, "kid": "good"}

    for keys in ([GOOD, twin], [twin, GOOD], [GOOD, twin, GOOD]):
        assert set(parse_jwk_set(key_set(*keys, pair())).jwks) == {"first"}
    assert [r.levelno for r in caplog.records] == [logging.ERROR] * 3


def test_a_key_that_is_published_twice_is_one_key() -> None:
    assert parse_jwk_set(key_set(GOOD, GOOD)).jwks == {"good": GOOD}


KEYS: Final = JwkSet({"good": GOOD, "rsa": {**RSA, "kid": "rsa"}})


@pytest.mark.parametrize(
    ("algorithm", "kid", "reason"),
    [
        ("EdDSA", "other", "unknown_kid"),
        ("EdDSA", "", "unknown_kid"),
        ("EdDSA", "../../etc/passwd", "unknown_kid"),
        ("EdDSA", None, "no_kid"),
        ("EdDSA", 1, "no_kid"),
        ("EdDSA", ["good"], "no_kid"),
        ("EdDSA", {}, "no_kid"),
        ("ES256", "good", "alg_not_allowed"),
        ("PS256", "rsa", "alg_not_allowed"),
        ("HS256", "good", "alg_not_allowed"),
        ("HS256", "rsa", "alg_not_allowed"),
        ("none", "good", "alg_not_allowed"),
        ("eddsa", "good", "alg_not_allowed"),
        ("", "good", "alg_not_allowed"),
    ],
)
def test_a_key_is_found_by_its_id_and_serves_its_own_algorithm_only(algorithm: str, kid: object, reason: str) -> None:
    with pytest.raises(InvalidToken) as refusal:
        KEYS.candidates(algorithm, kid)

    assert refusal.value.reason == reason
    assert isinstance(refusal.value, UnknownKey) == (reason == "unknown_kid")


def test_where_there_are_no_keys_nobody_can_say_whether_a_token_is_valid() -> None:
    with pytest.raises(KeysUnavailable):
        JwkSet().candidates("EdDSA", "good")
    with pytest.raises(InvalidToken, match="alg_not_allowed"):
        JwkSet().candidates("HS256", "good")
