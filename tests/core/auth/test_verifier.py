"""The memory for valid tokens: it saves work, and lets nobody in who would not get in without it."""

from collections.abc import Callable
from types import SimpleNamespace

import jwt
import pytest

from app.core.auth.secret_keys import SecretKeys
from app.core.auth.tokens import InvalidToken, issue_token
from app.core.auth.users import User
from app.core.auth.verifier import CACHE_SECONDS, TokenVerifier

KEY = b"a key for the tests of the memory of tokens"
KEYS = SecretKeys(KEY)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that were verified in full."""
    seen: list[str] = []
    real = jwt.decode

    def decode(token: str, *arguments: object, **options: object) -> object:
        seen.append(token)
        return real(token, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("app.core.auth.tokens.jwt.decode", decode)
    return seen


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass, without waiting for it."""
    now = [1_800_000_000.0]
    for module in ("tokens", "verifier"):
        monkeypatch.setattr(f"app.core.auth.{module}.time", SimpleNamespace(time=lambda: now[0]))

    def pass_by(seconds: float) -> None:
        now[0] += seconds

    return pass_by


def test_a_token_is_verified_once(decoded: list[str]) -> None:
    verifier, token = TokenVerifier(KEYS), issue_token("alice", KEY, 900)

    assert [verifier.verify(token) for _ in range(3)] == [User("alice")] * 3
    assert decoded == [token]


def test_a_remembered_token_expires_on_time(wait: Callable[[float], None]) -> None:
    verifier, token = TokenVerifier(KEYS), issue_token("alice", KEY, 30)
    verifier.verify(token)
    wait(29.9)
    assert verifier.verify(token) == User("alice")
    wait(0.1)

    with pytest.raises(InvalidToken, match="expired"):
        verifier.verify(token)


def test_a_token_is_verified_again_after_a_minute(wait: Callable[[float], None], decoded: list[str]) -> None:
    verifier, token = TokenVerifier(KEYS), issue_token("alice", KEY, 900)
    for _ in range(3):
        verifier.verify(token)
        wait(CACHE_SECONDS)

    assert len(decoded) == 3


@pytest.mark.parametrize("part", [0, 1, 2], ids=["header", "payload", "signature"])
def test_a_token_that_differs_in_a_part_is_another(part: int) -> None:
    verifier, token = TokenVerifier(KEYS), issue_token("alice", KEY, 900)
    verifier.verify(token)
    parts, others = token.split("."), issue_token("mallory", KEY + b"!", 900).split(".")
    parts[part] = others[part] if part else jwt.encode({}, KEY * 2, "HS512").split(".")[0]

    with pytest.raises(InvalidToken):
        verifier.verify(".".join(parts))


def test_what_is_not_valid_takes_no_place(decoded: list[str]) -> None:
    verifier = TokenVerifier(KEYS, cache_size=1)
    good, bad = issue_token("alice", KEY, 900), issue_token("alice", KEY + b"!", 900)
    verifier.verify(good)
    for _ in range(3):
        with pytest.raises(InvalidToken):
            verifier.verify(bad)
    verifier.verify(good)

    assert decoded == [good, bad, bad, bad]


def test_the_oldest_is_forgotten_when_the_memory_is_full(decoded: list[str]) -> None:
    verifier = TokenVerifier(KEYS, cache_size=2)
    tokens = [issue_token(user, KEY, 900) for user in ("alice", "bob", "carol")]
    for token in [*tokens, tokens[2], tokens[1], tokens[0]]:
        verifier.verify(token)

    assert decoded == [*tokens, tokens[0]]


def test_another_key_has_another_memory() -> None:
    token = issue_token("alice", KEY, 900)
    TokenVerifier(KEYS).verify(token)

    with pytest.raises(InvalidToken, match="bad_signature"):
        TokenVerifier(SecretKeys(KEY + b"!")).verify(token)


def test_with_other_keys_nobody_is_remembered(decoded: list[str]) -> None:
    verifier, token = TokenVerifier(KEYS), issue_token("alice", KEY, 900)
    verifier.verify(token)
    verifier.set_keys(SecretKeys(KEY + b"!"))

    with pytest.raises(InvalidToken, match="bad_signature"):
        verifier.verify(token)
    verifier.set_keys(KEYS)
    assert verifier.verify(token) == User("alice")
    assert decoded == [token] * 3
