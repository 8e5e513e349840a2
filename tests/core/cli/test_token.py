"""`app token`: what it prints opens the API, and what would not open it is not printed."""

import jwt
import pytest

from app.core.auth.secret_keys import SecretKeys
from app.core.auth.tokens import ExpectedClaims, verify_token
from app.testing.databases import SECRET
from tests.core.cli.conftest import Invoke

KEY = SECRET.encode()


@pytest.mark.parametrize("user", ["alice", "42", "auth0|5f7c", "Ålice 李"])
def test_it_prints_a_token_of_the_user_and_nothing_else(invoke: Invoke, user: str) -> None:
    result = invoke("token", user)

    assert result.exit_code == 0
    assert result.stderr == ""
    assert verify_token(result.stdout.removesuffix("\n"), SecretKeys(KEY)).id == user


@pytest.mark.parametrize(
    ("hours", "seconds"),
    [
        pytest.param([], 86_400, id="a day unless told"),
        pytest.param(["--hours", "0.25"], 900, id="a quarter of an hour"),
        pytest.param(["--hours", "876000"], 876_000 * 3600, id="a hundred years"),
    ],
)
def test_the_token_lives_as_long_as_was_asked_for(invoke: Invoke, hours: list[str], seconds: int) -> None:
    claims = jwt.decode(invoke("token", "alice", *hours).stdout.strip(), KEY, algorithms=["HS256"])

    assert claims["exp"] - claims["iat"] == seconds


def test_the_token_is_signed_with_the_secret_of_the_environment(invoke: Invoke) -> None:
    other = "another secret, long enough for anybody"

    result = invoke("token", "alice", BETTER_AUTH_SECRET=other)

    assert verify_token(result.stdout.strip(), SecretKeys(other.encode())).id == "alice"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["alice", "--hours", "0"], id="no time"),
        pytest.param(["alice", "--hours", "-1"], id="negative time"),
        pytest.param(["alice", "--hours", "0.0001"], id="less than a second"),
        pytest.param(["alice", "--hours", "nan"], id="not a number"),
        pytest.param(["alice", "--hours", "inf"], id="for ever"),
        pytest.param(["alice", "--hours", "1e9"], id="beyond the year 9999"),
        pytest.param(["alice", "--hours", "soon"], id="no number"),
        pytest.param([""], id="empty user"),
        pytest.param([" "], id="blank user"),
        pytest.param(["alice\n"], id="user with a newline"),
        pytest.param(["alice\udcff"], id="user that is no text"),
        pytest.param(["a" * 256], id="user that is too long"),
        pytest.param([], id="no user"),
    ],
)
def test_what_would_make_no_valid_token_is_refused(invoke: Invoke, arguments: list[str]) -> None:
    result = invoke("token", *arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert len(result.stderr.splitlines()[-1]) < 200


def test_a_bad_secret_is_one_line(invoke: Invoke) -> None:
    result = invoke("token", "alice", BETTER_AUTH_SECRET="zebra")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        "Error: BETTER_AUTH_SECRET needs at least 32 characters; `openssl rand -base64 32` makes one\n"
    )


def test_of_several_secrets_the_first_one_signs(invoke: Invoke) -> None:
    new, old = ("a new secret that is long enough for anybody", "an old secret that is long enough for anybody")

    result = invoke("token", "alice", BETTER_AUTH_SECRETS=f"2:{new},1:{old}")

    assert verify_token(result.stdout.strip(), SecretKeys(new.encode())).id == "alice"


def test_the_token_has_the_issuer_and_the_audience_that_are_expected(invoke: Invoke) -> None:
    result = invoke("token", "alice", JWT_ISSUER="https://a.example", JWT_AUDIENCE="https://b.example")

    expected = ExpectedClaims("https://a.example", "https://b.example")
    assert verify_token(result.stdout.strip(), SecretKeys(KEY), expected).id == "alice"


def test_where_better_auth_signs_it_says_where_to_get_a_token(invoke: Invoke) -> None:
    result = invoke("token", "alice", BETTER_AUTH_SECRET="", BETTER_AUTH_URL="http://localhost:3000")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "GET /api/auth/token" in result.stderr
    assert result.stderr.count("\n") == 1
