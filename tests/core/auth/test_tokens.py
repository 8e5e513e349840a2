"""Tokens that name their user: those of others that are good, and those that are issued here."""

import time
from dataclasses import FrozenInstanceError
from types import SimpleNamespace
from typing import Final

import jwt
import pytest

from app.core.auth.secret_keys import SecretKeys
from app.core.auth.tokens import issue_token, verify_token
from app.core.auth.users import User
from tests.parts.signing import KEY, KEYS, NOW, OTHER_KEY, SOON, claims, header, raw_claims, reason_of, sign

GOOD: Final = {
    "typ absent": sign(claims()),
    "typ JWT": sign(claims(), header(typ="JWT")),
    "typ at+jwt": sign(claims(), header(typ="at+jwt")),
    "typ in lower case": sign(claims(), header(typ="jwt")),
    "typ in mixed case": sign(claims(), header(typ="AT+Jwt")),
    "typ in full": sign(claims(), header(typ="application/jwt")),
    "typ in full, in capitals": sign(claims(), header(typ="Application/AT+JWT")),
    "kid in the header": sign(claims(), header(kid="3f2c")),
    "unknown header": sign(claims(), header(cty="x", jku="https://evil.example/jwks", x5u="y")),
    "header with white space": sign(claims(), '{ "alg" : "HS256" }\n'),
    "aud string": sign(claims(aud="http://localhost:3000")),
    "aud list": sign(claims(aud=["http://localhost:3000", "x"])),
    "aud of a wrong type": sign(claims(aud={"x": 1})),
    "iss": sign(claims(iss="http://localhost:3000")),
    "iss of a wrong type": sign(claims(iss=[1])),
    "jti of a wrong type": sign(claims(jti=7)),
    "the whole user in the claims": sign(claims(id="x", name="A", email="a@b.example", emailVerified=True)),
    "exp in one second": sign(claims(exp=NOW + 1)),
    "exp a fraction away": sign(claims(exp=NOW + 0.5)),
    "exp float": sign(claims(exp=SOON + 0.25)),
    "exp written as a power": sign(raw_claims(exp="1.9e9")),
    "exp in the last second of 9999": sign(claims(exp=253_402_300_799)),
    "iat now": sign(claims(iat=NOW)),
    "iat zero": sign(claims(iat=0)),
    "iat 60 s ahead": sign(claims(iat=NOW + 60)),
    "iat float": sign(claims(iat=NOW - 0.5)),
    "nbf 60 s ahead": sign(claims(nbf=NOW + 60)),
    "nbf long ago": sign(claims(nbf=1)),
    "exp named twice": sign(raw_claims(exp="1", more=f',"exp":{SOON}')),
    "alg named twice": sign(claims(), '{"alg":"none","alg":"HS256"}'),
    "a big token": sign(claims(image="x" * 9_000)),
}


@pytest.mark.usefixtures("stopped_clock")
@pytest.mark.parametrize("token", GOOD.values(), ids=GOOD)
def test_a_good_token_names_its_user(token: str) -> None:
    assert verify_token(token, KEYS) == User("alice")


SUBJECTS: Final = {
    "one character": "a",
    "better auth's own": "Zq3kVx8c2LrT0aYbN7mWfEuJ5hGdPs1i",
    "uuid": "8c0b0f0e-6c0b-4a4e-9d0d-3c1f4f7f9a11",
    "decimal number as text": "42",
    "another provider's": "auth0|5f7c8ec7c33c6c004bbafe82",
    "with a space inside": "alice b",
    "not ASCII": "Ålice 李 🐟",
    "255 characters": "é" * 255,
    "looks like SQL": "' OR 1=1 --",
}


@pytest.mark.usefixtures("stopped_clock")
@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS)
def test_the_user_is_the_subject_as_it_was_signed(subject: str) -> None:
    assert verify_token(sign(claims(sub=subject)), KEYS).id == subject


@pytest.mark.usefixtures("stopped_clock")
def test_of_a_subject_that_is_named_twice_the_last_one_counts() -> None:
    assert verify_token(sign(raw_claims(sub='"mallory","sub":"alice"')), KEYS) == User("alice")


def test_an_issued_token_names_its_user_until_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    before = time.time()
    token = issue_token("alice", KEY, 60)
    expiry = jwt.decode(token, KEY, algorithms=["HS256"])["exp"]

    assert before + 59 <= expiry <= time.time() + 60
    assert verify_token(token, KEYS) == User("alice")
    monkeypatch.setattr("app.core.auth.tokens.time", SimpleNamespace(time=lambda: expiry - 0.01))
    assert verify_token(token, KEYS) == User("alice")
    monkeypatch.setattr("app.core.auth.tokens.time", SimpleNamespace(time=lambda: expiry))
    assert reason_of(token) == "expired"


def test_an_issued_token_says_who_since_when_and_until_when_and_no_more() -> None:
    token = issue_token("alice", KEY, 3600)

    found = jwt.decode_complete(token, KEY, algorithms=["HS256"])
    assert found["header"] == {"alg": "HS256", "typ": "JWT"}
    assert found["payload"] == {"sub": "alice", "iat": found["payload"]["iat"], "exp": found["payload"]["iat"] + 3600}


def test_a_token_that_is_issued_for_no_time_is_expired() -> None:
    assert reason_of(issue_token("alice", KEY, 0)) == "expired"


def test_a_token_issued_with_one_key_is_refused_with_another() -> None:
    assert reason_of(issue_token("alice", KEY, 60), SecretKeys(OTHER_KEY)) == "bad_signature"


def test_a_user_cannot_be_changed_into_another() -> None:
    user = User("alice")
    with pytest.raises(FrozenInstanceError):
        user.id = "bob"  # type: ignore[misc]
