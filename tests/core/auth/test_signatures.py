"""Signatures and headers: what is not a token, or is not signed with a key of ours, is refused."""

from typing import Final

import pytest

from app.core.auth.tokens import MAX_TOKEN_BYTES, InvalidToken, verify_token
from tests.parts.bad_tokens import ALGORITHMS, BROKEN_SIGNATURE, EXTENSIONS, MALFORMED
from tests.parts.signing import KEYS, OTHER_KEY, claims, header, reason_of, sign

pytestmark = pytest.mark.usefixtures("stopped_clock")


@pytest.mark.parametrize("token", BROKEN_SIGNATURE.values(), ids=BROKEN_SIGNATURE)
def test_a_token_with_a_wrong_signature_is_refused(token: str) -> None:
    assert reason_of(token) == "bad_signature"


@pytest.mark.parametrize("token", ALGORITHMS.values(), ids=ALGORITHMS)
def test_an_algorithm_other_than_hs256_is_refused_also_when_the_key_fits(token: str) -> None:
    assert reason_of(token) == "alg_not_allowed"


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
