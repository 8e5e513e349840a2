"""Tokens: which ones name a user, which ones do not, and what the log is told about those.

Every token here is signed by hand, so that each refused one has a valid signature and exactly one thing wrong with it.
"""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from dataclasses import FrozenInstanceError
from types import SimpleNamespace
from typing import Any, Final

import jwt
import pytest

from app.core.auth.tokens import MAX_TOKEN_BYTES, InvalidToken, issue_token, verify_token
from app.core.auth.users import User

KEY: Final = b"a key for the tests of tokens, and no other"
NOW: Final = 1_800_000_000
HEADER: Final = '{"alg":"HS256"}'
SOON: Final = NOW + 900


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be NOW, so that "exactly now" can be said."""
    monkeypatch.setattr("app.core.auth.tokens.time", SimpleNamespace(time=lambda: NOW))


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


def reason_of(token: str, key: bytes = KEY) -> str:
    with pytest.raises(InvalidToken) as refusal:
        verify_token(token, key)
    return refusal.value.reason


GOOD: Final = {
    "typ absent": sign(claims()),
    "typ JWT": sign(claims(), header(typ="JWT")),
    "typ at+jwt": sign(claims(), header(typ="at+jwt")),
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
    assert verify_token(token, KEY) == User("alice")


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
    assert verify_token(sign(claims(sub=subject)), KEY).id == subject


@pytest.mark.usefixtures("stopped_clock")
def test_of_a_subject_that_is_named_twice_the_last_one_counts() -> None:
    assert verify_token(sign(raw_claims(sub='"mallory","sub":"alice"')), KEY) == User("alice")


def swapped(token: str, part: int, content: str) -> str:
    """Return the token with one of its three parts replaced and the signature left as it was."""
    parts = token.split(".")
    parts[part] = content
    return ".".join(parts)


BROKEN_SIGNATURE: Final = {
    "another key": sign(claims(), key=b"some other key of a good length, really"),
    "empty key": sign(claims(), key=b""),
    "the key in base64": sign(claims(), key=urlsafe_b64encode(KEY)),
    "payload tampered with": swapped(sign(claims()), 1, segment(claims(sub="bob"))),
    "header tampered with": swapped(sign(claims()), 0, segment(header(typ="JWT"))),
    "signature of another token": swapped(sign(claims()), 2, sign(claims(sub="bob")).split(".")[2]),
    "signature cut short": swapped(sign(claims()), 2, sign(claims()).split(".")[2][:-3]),
    "signature of one byte": swapped(sign(claims()), 2, "AA"),
    "signature of zeroes": swapped(sign(claims()), 2, segment(bytes(32))),
    "HS512 signature under HS256": sign(claims(), digest="sha512"),
    "no good payload and no good signature": swapped(sign(claims()), 1, segment("no json")),
}


@pytest.mark.usefixtures("stopped_clock")
@pytest.mark.parametrize("token", BROKEN_SIGNATURE.values(), ids=BROKEN_SIGNATURE)
def test_a_token_with_a_wrong_signature_is_refused(token: str) -> None:
    assert reason_of(token) == "bad_signature"


ALGORITHMS: Final = {
    "none": sign(claims(), '{"alg":"none"}'),
    "nOnE": sign(claims(), '{"alg":"nOnE"}'),
    "hs256": sign(claims(), '{"alg":"hs256"}'),
    "HS384": sign(claims(), '{"alg":"HS384"}', digest="sha384"),
    "HS512": sign(claims(), '{"alg":"HS512"}', digest="sha512"),
    "RS256, signed as HS256": sign(claims(), '{"alg":"RS256"}'),
    "ES256, signed as HS256": sign(claims(), '{"alg":"ES256"}'),
    "EdDSA, signed as HS256": sign(claims(), '{"alg":"EdDSA","kid":"3f2c"}'),
    "absent": sign(claims(), "{}"),
    "null": sign(claims(), '{"alg":null}'),
    "empty": sign(claims(), '{"alg":""}'),
    "list": sign(claims(), '{"alg":["HS256"]}'),
    "object": sign(claims(), '{"alg":{"HS256":1}}'),
    "number": sign(claims(), '{"alg":256}'),
    "HS256 and a space": sign(claims(), '{"alg":"HS256 "}'),
    "named twice, the last one none": sign(claims(), '{"alg":"HS256","alg":"none"}'),
}


@pytest.mark.usefixtures("stopped_clock")
@pytest.mark.parametrize("token", ALGORITHMS.values(), ids=ALGORITHMS)
def test_an_algorithm_other_than_hs256_is_refused_also_when_the_key_fits(token: str) -> None:
    assert reason_of(token) == "alg_not_allowed"


EXTENSIONS: Final = {
    "crit": header(crit=["exp"]),
    "crit of nothing": header(crit=[]),
    "crit b64": header(crit=["b64"], b64=True),
    "crit of a wrong type": header(crit="b64"),
    "b64 false": header(b64=False),
    "b64 true": header(b64=True),
    "b64 null": header(b64=None),
    "zip": header(zip="DEF"),
}


@pytest.mark.usefixtures("stopped_clock")
@pytest.mark.parametrize("header", EXTENSIONS.values(), ids=EXTENSIONS)
def test_an_extension_that_changes_what_is_signed_is_refused(header: str) -> None:
    assert reason_of(sign(claims(), header)) == "extension_not_supported"


TYPES: Final = {
    "better auth's session cookie": "better-auth.session-cache+jwt",
    "lower case": "jwt",
    "id token": "id+jwt",
    "empty": "",
    "number": 1,
    "false": False,
    "list": ["JWT"],
    "object": {"JWT": 1},
}


@pytest.mark.usefixtures("stopped_clock")
@pytest.mark.parametrize("typ", TYPES.values(), ids=TYPES)
def test_a_token_of_another_type_is_refused(typ: object) -> None:
    assert reason_of(sign(claims(), header(typ=typ))) == "type_not_allowed"


DEEP: Final = "[" * 5_000 + "]" * 5_000

MALFORMED: Final = {
    "empty": "",
    "one segment": "abc",
    "two segments": ".".join(sign(claims()).split(".")[:2]),
    "four segments": sign(claims()) + ".AAAA",
    "five segments, an encrypted one": "a.b.c.d.e",
    "better auth's session token": "Zq3kVx8c2LrT0aYbN7mWfEuJ5hGdPs1i.c2lnbmF0dXJlIG9mIHRoZSBzZXNzaW9u",
    "no header": swapped(sign(claims()), 0, ""),
    "no payload": swapped(sign(claims()), 1, ""),
    "no signature": swapped(sign(claims()), 2, ""),
    "alg none without a signature": swapped(sign(claims(), '{"alg":"none"}'), 2, ""),
    "only dots": "..",
    "padding": sign(claims()) + "=",
    "padding inside": swapped(sign(claims()), 0, segment('{"alg":"HS256" }') + "=="),
    "standard base64 alphabet": swapped(sign(claims()), 2, "+/" + "A" * 41),
    "space inside": sign(claims()).replace(".", ". ", 1),
    "newline at the end": sign(claims()) + "\n",
    "not ASCII": sign(claims()) + "é",
    "NUL": sign(claims()) + "\0",
    "header of an impossible length": swapped(sign(claims()), 0, "AAAAA"),
    "header not JSON": sign(claims(), "HS256"),
    "header not an object": sign(claims(), '["HS256"]'),
    "header a string": sign(claims(), '"HS256"'),
    "header null": sign(claims(), "null"),
    "header not UTF-8": sign(claims(), b'{"alg":"HS256","x":"\xff"}'),
    "header deeply nested": sign(claims(), f'{{"alg":"HS256","x":{DEEP}}}'),
    "kid a number": sign(claims(), header(kid=1)),
    "kid a list": sign(claims(), header(kid=["x"])),
    "kid null": sign(claims(), header(kid=None)),
    "payload not JSON": sign("alice"),
    "payload a list": sign(f"[{claims()}]"),
    "payload a string": sign('"alice"'),
    "payload a number": sign("1"),
    "payload null": sign("null"),
    "payload not UTF-8": sign(b'{"sub":"\xff","exp":1900000000}'),
    "payload deeply nested": sign(raw_claims(more=f',"x":{DEEP}')),
    "payload cut off": sign(claims()[:-1]),
    "two payloads": sign(claims() + claims()),
    "number of 5000 digits": sign(raw_claims(exp="1" * 5_000)),
}


@pytest.mark.usefixtures("stopped_clock")
@pytest.mark.parametrize("token", MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_a_token_is_refused(token: str) -> None:
    assert reason_of(token) == "malformed"


@pytest.mark.parametrize("length", [MAX_TOKEN_BYTES + 1, 5_000_000])
def test_a_huge_token_is_refused_without_decoding_it(length: int) -> None:
    assert reason_of("a" * length) == "too_long"


def test_the_longest_token_is_not_too_long() -> None:
    assert reason_of("a" * MAX_TOKEN_BYTES) == "malformed"


EXPIRIES: Final = {
    "absent": (claims(exp=None), "no_exp"),
    "null": (raw_claims(exp="null"), "bad_exp"),
    "true": (raw_claims(exp="true"), "bad_exp"),
    "false": (raw_claims(exp="false"), "bad_exp"),
    "text": (claims(exp=str(SOON)), "bad_exp"),
    "list": (claims(exp=[SOON]), "bad_exp"),
    "object": (claims(exp={"at": SOON}), "bad_exp"),
    "negative": (claims(exp=-1), "bad_exp"),
    "1e400": (raw_claims(exp="1e400"), "bad_exp"),
    "-1e400": (raw_claims(exp="-1e400"), "bad_exp"),
    "10^400": (raw_claims(exp="1" + "0" * 400), "bad_exp"),
    "NaN": (raw_claims(exp="NaN"), "bad_exp"),
    "Infinity": (raw_claims(exp="Infinity"), "bad_exp"),
    "milliseconds": (claims(exp=SOON * 1000), "bad_exp"),
    "the year 10000": (claims(exp=253_402_300_800), "bad_exp"),
    "zero": (claims(exp=0), "expired"),
    "a second ago": (claims(exp=NOW - 1), "expired"),
    "a fraction ago": (claims(exp=NOW - 0.001), "expired"),
    "exactly now": (claims(exp=NOW), "expired"),
    "exactly now as a float": (raw_claims(exp=f"{NOW}.0"), "expired"),
    "named twice, the last one past": (raw_claims(more=',"exp":1'), "expired"),
}


@pytest.mark.usefixtures("stopped_clock")
@pytest.mark.parametrize(("payload", "reason"), EXPIRIES.values(), ids=EXPIRIES)
def test_a_token_that_has_no_future_is_refused(payload: str, reason: str) -> None:
    assert reason_of(sign(payload)) == reason


@pytest.mark.usefixtures("stopped_clock")
@pytest.mark.parametrize("claim", ["iat", "nbf"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param("1800000061", "not_yet_valid", id="61 s ahead"),
        pytest.param("1800000060.1", "not_yet_valid", id="just over 60 s ahead"),
        pytest.param("1900000000", "not_yet_valid", id="years ahead"),
        pytest.param("1e400", "bad_{}", id="1e400"),
        pytest.param("NaN", "bad_{}", id="NaN"),
        pytest.param("-1", "bad_{}", id="negative"),
        pytest.param('"1800000000"', "bad_{}", id="text"),
        pytest.param("true", "bad_{}", id="true"),
        pytest.param("null", "bad_{}", id="null"),
        pytest.param("[1]", "bad_{}", id="list"),
        pytest.param("{}", "bad_{}", id="object"),
        pytest.param("1800000000000", "bad_{}", id="milliseconds"),
    ],
)
def test_a_token_from_the_future_or_from_no_time_at_all_is_refused(claim: str, value: str, reason: str) -> None:
    assert reason_of(sign(raw_claims(more=f',"{claim}":{value}'))) == reason.format(claim)


IDENTITIES: Final = {
    "no sub": (claims(sub=None), "no_sub"),
    "only userId": (claims(sub=None, userId="alice"), "no_sub"),
    "only email": (claims(sub=None, email="a@b.example"), "no_sub"),
    "only id": (claims(sub=None, id="alice"), "no_sub"),
    "an e-mail verification token": (claims(sub=None, email="a@b.example", userId="alice", iat=NOW), "no_sub"),
    "a session cookie": (claims(sub=None, user={"id": "alice"}, session={"userId": "alice"}), "no_sub"),
    "upper case": (claims(sub=None, SUB="alice"), "no_sub"),
    "null": (raw_claims(sub="null"), "no_sub"),
    "number": (claims(sub=42), "no_sub"),
    "true": (claims(sub=True), "no_sub"),
    "list": (claims(sub=["alice"]), "no_sub"),
    "object": (claims(sub={"id": "alice"}), "no_sub"),
    "empty": (claims(sub=""), "bad_sub"),
    "blank": (claims(sub="   "), "bad_sub"),
    "NUL": (claims(sub="alice\0"), "bad_sub"),
    "only NUL": (claims(sub="\0"), "bad_sub"),
    "newline": (claims(sub="alice\n2026-01-01 - app - INFO - all is well"), "bad_sub"),
    "tab": (claims(sub="ali\tce"), "bad_sub"),
    "escape": (claims(sub="\x1b[31malice"), "bad_sub"),
    "line separator": (claims(sub="alice\u2028"), "bad_sub"),
    "no-break space": (claims(sub="alice\u00a0"), "bad_sub"),
    "zero width space": (claims(sub="ali\u200bce"), "bad_sub"),
    "right to left": (claims(sub="\u202ealice"), "bad_sub"),
    "lone surrogate": (raw_claims(sub='"alice\\ud800"'), "bad_sub"),
    "byte order mark": (claims(sub="\ufeffalice"), "bad_sub"),
    "256 characters": (claims(sub="a" * 256), "bad_sub"),
    "10000 characters": (claims(sub="a" * 10_000), "bad_sub"),
}


@pytest.mark.usefixtures("stopped_clock")
@pytest.mark.parametrize(("payload", "reason"), IDENTITIES.values(), ids=IDENTITIES)
def test_a_token_without_a_usable_subject_is_refused(payload: str, reason: str) -> None:
    assert reason_of(sign(payload)) == reason


@pytest.mark.usefixtures("stopped_clock")
def test_the_signature_is_looked_at_before_the_claims() -> None:
    assert reason_of(sign("{}", key=b"some other key of a good length, really")) == "bad_signature"


@pytest.mark.usefixtures("stopped_clock")
@pytest.mark.parametrize("token", [*MALFORMED.values(), *BROKEN_SIGNATURE.values()])
def test_a_refusal_repeats_nothing_of_the_token(token: str) -> None:
    with pytest.raises(InvalidToken) as refusal:
        verify_token(token, KEY)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
    assert str(refusal.value) == refusal.value.reason


def test_an_issued_token_names_its_user_until_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    before = time.time()
    token = issue_token("alice", KEY, 60)
    expiry = jwt.decode(token, KEY, algorithms=["HS256"])["exp"]

    assert before + 59 <= expiry <= time.time() + 60
    assert verify_token(token, KEY) == User("alice")
    monkeypatch.setattr("app.core.auth.tokens.time", SimpleNamespace(time=lambda: expiry - 0.01))
    assert verify_token(token, KEY) == User("alice")
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
    assert reason_of(issue_token("alice", KEY, 60), b"some other key of a good length, really") == "bad_signature"


def test_a_user_cannot_be_changed_into_another() -> None:
    user = User("alice")
    with pytest.raises(FrozenInstanceError):
        user.id = "bob"  # type: ignore[misc]
