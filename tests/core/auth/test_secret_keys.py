"""Keys: the secret as it was given, and in development one that is made once."""

import stat
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier

import pytest

from app.core.auth.secret_keys import SecretKeys, signing_keys
from app.core.auth.tokens import InvalidToken, issue_token, verify_token
from app.settings import InvalidSettings, Settings
from app.testing.databases import settings_for_tests

GIVEN = {
    "base64": "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldA==",
    "hexadecimal": "00ff" * 16,
    "in quotes": '"a secret that somebody put in quotes"',
    "escapes": r"a secret with \n and %20 and \u0041 in it",
    "spaces inside": "a secret  with   spaces    inside of it",
    "not ASCII": "ein Geheimnis mit Ä, Ö, Ü und 🐟 darin",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that development keeps its secret in; it is not there yet."""
    folder = tmp_path / "new" / ".data"
    monkeypatch.setattr("app.core.auth.secret_keys.DATA_DIR", folder)
    return folder


@pytest.fixture
def without_secret() -> Settings:
    """Development's settings where nobody has set a secret."""
    return settings_for_tests("sqlite://", better_auth_secret=None)


@pytest.mark.parametrize("secret", GIVEN.values(), ids=GIVEN)
def test_the_key_is_the_secret_as_it_was_given(folder: Path, secret: str) -> None:
    assert signing_keys(settings_for_tests("sqlite://", better_auth_secret=secret)) == (secret.encode(),)
    assert not folder.exists()


def test_development_makes_a_secret_once(folder: Path, without_secret: Settings) -> None:
    (made,) = signing_keys(without_secret)

    assert len(made) >= 43
    assert (made,) == signing_keys(without_secret) == ((folder / "secret").read_bytes(),)
    assert verify_token(issue_token("alice", made, 60), SecretKeys(made)).id == "alice"


def test_every_installation_has_a_secret_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_secret: Settings
) -> None:
    made = set()
    for name in "abc":
        monkeypatch.setattr("app.core.auth.secret_keys.DATA_DIR", tmp_path / name)
        made.add(signing_keys(without_secret))

    assert len(made) == 3


def test_only_its_owner_can_read_the_secret_that_was_made(folder: Path, without_secret: Settings) -> None:
    signing_keys(without_secret)

    assert stat.S_IMODE((folder / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == ["secret"]


def test_a_secret_that_is_kept_is_used_as_it_is(folder: Path, without_secret: Settings) -> None:
    folder.mkdir(parents=True)
    kept = b"kept by somebody: \xff\x00, and not text\n"
    (folder / "secret").write_bytes(kept)

    assert signing_keys(without_secret) == (kept,)


@pytest.mark.parametrize("kept", [b"", b"\n", b"short"])
def test_a_kept_file_without_a_secret_is_no_key(folder: Path, without_secret: Settings, kept: bytes) -> None:
    folder.mkdir(parents=True)
    (folder / "secret").write_bytes(kept)

    with pytest.raises(InvalidSettings, match="secret holds no valid secret; remove the file"):
        signing_keys(without_secret)


def test_where_no_secret_can_be_kept_the_operator_reads_what_to_set(folder: Path, without_secret: Settings) -> None:
    folder.parent.write_text("a file, where a folder would have to be")

    with pytest.raises(InvalidSettings, match=r"BETTER_AUTH_SECRET is not set.*Not a directory"):
        signing_keys(without_secret)


def test_threads_that_start_at_once_get_the_same_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_secret: Settings
) -> None:
    threads = 8
    with ThreadPoolExecutor(threads) as pool:
        for attempt in range(50):
            monkeypatch.setattr("app.core.auth.secret_keys.DATA_DIR", tmp_path / str(attempt))
            call = at_once(Barrier(threads, timeout=10), without_secret)
            made = {future.result(10) for future in [pool.submit(call) for _ in range(threads)]}
            assert len(made) == 1


def at_once(barrier: Barrier, settings: Settings) -> Callable[[], tuple[bytes, ...]]:
    def call() -> tuple[bytes, ...]:
        barrier.wait()
        return signing_keys(settings)

    return call


def test_processes_that_start_at_once_get_the_same_secret(folder: Path, without_secret: Settings) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("fork")) as pool:
        made = set(pool.map(signing_keys, [without_secret] * 8, timeout=20))

    assert made == {((folder / "secret").read_bytes(),)}


PUBLIC = {
    "PEM": (
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
        "-----END PUBLIC KEY-----"
    ),
    "SSH": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
    "JWK": '{"kty":"OKP","crv":"Ed25519","x":"47zoFWTuKUtLnW8mqZBwhGEdKbeLSAalBudqMDi3y68"}',
}


@pytest.mark.parametrize("key", PUBLIC.values(), ids=PUBLIC)
def test_a_public_key_is_no_secret(key: str) -> None:
    with pytest.raises(InvalidSettings, match=r"is a public key or a certificate; .* set BETTER_AUTH_URL instead$"):
        signing_keys(settings_for_tests("sqlite://", better_auth_secret=key))


def test_all_of_several_secrets_are_keys_and_the_single_one_is_not(folder: Path) -> None:
    new, old, single = ("a new secret that is long enough", "an old secret that is long enough", "s" * 32)
    settings = settings_for_tests("sqlite://", better_auth_secret=single, better_auth_secrets=f"2:{new}, 1:{old}")

    keys = SecretKeys(*signing_keys(settings))
    assert signing_keys(settings) == (new.encode(), old.encode())
    for secret in (new, old):
        assert verify_token(issue_token("alice", secret.encode(), 60), keys).id == "alice"
    with pytest.raises(InvalidToken, match="bad_signature"):
        verify_token(issue_token("alice", single.encode(), 60), keys)
