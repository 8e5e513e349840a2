"""Claims: what a token says, well signed, about its time and its user, and is not believed."""

import pytest

from tests.parts.bad_tokens import EXPIRIES, IDENTITIES
from tests.parts.signing import raw_claims, reason_of, sign

pytestmark = pytest.mark.usefixtures("stopped_clock")


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


@pytest.mark.parametrize(("payload", "reason"), IDENTITIES.values(), ids=IDENTITIES)
def test_a_token_without_a_usable_subject_is_refused(payload: str, reason: str) -> None:
    assert reason_of(sign(payload)) == reason
