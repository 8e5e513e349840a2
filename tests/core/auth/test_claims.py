"""Claims: what a token says, well signed, about its time and its user, and is not believed."""

from typing import Final

import pytest

from tests.parts.signing import NOW, SOON, claims, raw_claims, reason_of, sign

pytestmark = pytest.mark.usefixtures("stopped_clock")


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


@pytest.mark.parametrize(("payload", "reason"), EXPIRIES.values(), ids=EXPIRIES)
def test_a_token_that_has_no_future_is_refused(payload: str, reason: str) -> None:
    assert reason_of(sign(payload)) == reason


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


@pytest.mark.parametrize(("payload", "reason"), IDENTITIES.values(), ids=IDENTITIES)
def test_a_token_without_a_usable_subject_is_refused(payload: str, reason: str) -> None:
    assert reason_of(sign(payload)) == reason
