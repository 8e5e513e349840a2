"""Signatures and headers: what is not a token, or is not signed with a key of ours, is refused."""

from base64 import urlsafe_b64encode
from typing import Final

import pytest

from app.core.auth.tokens import MAX_TOKEN_BYTES, InvalidToken, verify_token
from tests.parts.signing import KEY, KEYS, OTHER_KEY, claims, header, raw_claims, reason_of, segment, sign, swapped

pytestmark = pytest.mark.usefixtures("stopped_clock")


BROKEN_SIGNATURE: Final = {
    "another key": sign(claims(), key=OTHER_KEY),
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


@pytest.mark.parametrize("header", EXTENSIONS.values(), ids=EXTENSIONS)
def test_an_extension_that_changes_what_is_signed_is_refused(header: str) -> None:
    assert reason_of(sign(claims(), header)) == "extension_not_supported"


TYPES: Final = {
    "better auth's session cookie": "better-auth.session-cache+jwt",
    "better auth's session cookie, in full": "application/better-auth.session-cache+jwt",
    "a type within": "x/jwt",
    "in full twice": "application/application/jwt",
    "with a parameter": "jwt; v=1",
    "with white space": " jwt",
    "with another letter that looks the same": "JW\u0422",
    "id token": "id+jwt",
    "empty": "",
    "number": 1,
    "false": False,
    "list": ["JWT"],
    "object": {"JWT": 1},
}


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


@pytest.mark.parametrize("token", MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_a_token_is_refused(token: str) -> None:
    assert reason_of(token) == "malformed"


@pytest.mark.parametrize("length", [MAX_TOKEN_BYTES + 1, 5_000_000])
def test_a_huge_token_is_refused_without_decoding_it(length: int) -> None:
    assert reason_of("a" * length) == "too_long"


def test_the_longest_token_is_not_too_long() -> None:
    assert reason_of("a" * MAX_TOKEN_BYTES) == "malformed"


def test_the_signature_is_looked_at_before_the_claims() -> None:
    assert reason_of(sign("{}", key=OTHER_KEY)) == "bad_signature"


@pytest.mark.parametrize("token", [*MALFORMED.values(), *BROKEN_SIGNATURE.values()])
def test_a_refusal_repeats_nothing_of_the_token(token: str) -> None:
    with pytest.raises(InvalidToken) as refusal:
        verify_token(token, KEYS)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
    assert str(refusal.value) == refusal.value.reason
