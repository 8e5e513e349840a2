"""A real Better Auth server: its users get in with its URL alone, and nothing else that it signs opens anything.

Skipped where there is no node, or where its package cannot be fetched.
"""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.core.auth.conftest import serving, status
from tests.parts.issuer import ALGORITHMS
from tests.parts.npm import install_packages

pytestmark = pytest.mark.slow

HERE: Final = Path(__file__).parent / "better_auth"
SECRET: Final = "the secret of a server that only tests know"


class BetterAuth:
    """A server, and one user of it who has signed up."""

    def __init__(self, url: str, process: subprocess.Popen[bytes]) -> None:
        self.url = url
        self.process = process
        self.browser = httpx.Client(base_url=url, headers={"Origin": url})

    def sign_up(self) -> None:
        """Sign up; the browser has the session's cookies then."""
        user = {"email": "ann@example.com", "password": "correct horse battery", "name": "Ann"}
        answer = self.browser.post("/api/auth/sign-up/email", json=user).raise_for_status().json()
        self.user, self.session_token = answer["user"]["id"], answer["token"]

    def token(self) -> str:
        """Return a token, got as a frontend gets it."""
        return str(self.browser.get("/api/auth/token").raise_for_status().json()["token"])


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the server in it and all that it needs."""
    folder = tmp_path_factory.mktemp("better_auth")
    install_packages(HERE, folder)
    return folder


@contextmanager
def running(folder: Path, *options: str) -> Iterator[BetterAuth]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(["node", "server.mjs", str(port), SECRET, *options], cwd=folder)  # noqa: S607
    server = BetterAuth(f"http://127.0.0.1:{port}", process)
    try:
        wait_until_it_answers(server)
        server.sign_up()
        yield server
    finally:
        process.kill()
        process.wait()
        server.browser.close()


def wait_until_it_answers(server: BetterAuth) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            server.browser.get("/api/auth/ok").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("Better Auth does not answer")


@pytest.fixture
def better_auth(installed: Path) -> Iterator[BetterAuth]:
    """A stock server; its tokens are EdDSA."""
    with running(installed) as server:
        yield server


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_user_who_has_logged_in_gets_in(installed: Path, algorithm: str) -> None:
    with running(installed, algorithm) as server:
        async with serving(better_auth_url=server.url) as client:
            answer = await client.get("/whoami", headers={"Authorization": f"Bearer {server.token()}"})

        assert (answer.status_code, answer.text) == (200, server.user)


async def test_nothing_else_that_the_keys_or_the_secret_sign_opens_anything(better_auth: BetterAuth) -> None:
    session = better_auth.browser.cookies["better-auth.session_data"]
    mailed = better_auth.browser.get("/mailed").text
    others = [session, mailed, better_auth.session_token, better_auth.browser.cookies["better-auth.session_token"]]
    assert [other.count(".") for other in others] == [2, 2, 0, 1]

    async with serving(better_auth_url=better_auth.url) as client:
        assert await status(client, better_auth.token()) == 200
        assert {await status(client, other) for other in others} == {401}
    async with serving(better_auth_secret=SECRET) as client:
        assert {await status(client, other) for other in [*others, better_auth.token()]} == {401}


async def test_when_all_keys_change_at_once_users_get_in_with_the_new_ones_only(better_auth: BetterAuth) -> None:
    async with serving(better_auth_url=better_auth.url) as client:
        old = better_auth.token()
        assert await status(client, old) == 200
        better_auth.browser.get("/forget-keys")
        new = better_auth.token()

        assert await status(client, new) == 200
        assert await status(client, old) == 401


async def test_users_stay_in_when_better_auth_is_down(better_auth: BetterAuth) -> None:
    first = better_auth.token()
    better_auth.browser.post("/api/auth/update-user", json={"name": "Anna"}).raise_for_status()
    second = better_auth.token()
    assert second != first
    async with serving(better_auth_url=better_auth.url) as client:
        assert await status(client, first) == 200
        better_auth.process.kill()
        better_auth.process.wait()

        assert await status(client, second) == 200
