"""A clock that stands still, an issuer of tokens, and an application that trusts its keys."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from litestar import Request, get

from app.asgi import create_app
from app.testing.clients import Client, assert_error
from app.testing.databases import settings_for_tests
from tests.parts.issuer import Issuer, serving_issuer
from tests.parts.signing import NOW


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be NOW, so that "exactly now" can be said."""
    for module in ("tokens", "verifier"):
        monkeypatch.setattr(f"app.core.auth.{module}.time", SimpleNamespace(time=lambda: NOW))


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer on this machine, with one key."""
    with serving_issuer() as issuer:
        yield issuer


NEVER = {"database_url": "sqlite:///never-opened.db", "better_auth_secret": None}


@get("/whoami")
async def whoami(request: Request[Any, Any, Any]) -> str:
    user: str = request.scope["user"].id
    return user


@asynccontextmanager
async def serving(**settings: object) -> AsyncIterator[Client]:
    app = create_app(settings_for_tests(**{**NEVER, **settings}))  # type: ignore[arg-type]
    app.register(whoami)
    async with app.lifespan(), Client(app) as client:
        yield client


async def status(client: Client, token: str) -> int:
    response = await client.get("/whoami", headers={"Authorization": f"Bearer {token}"})
    if response.status_code != 200:
        assert_error(response, response.status_code)
        assert response.headers["cache-control"] == "no-store"
    return response.status_code


async def until(condition: Any) -> None:
    """Wait for what happens in the background; it is there at once, or the test fails."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # the issuer is in another thread
            await asyncio.sleep(0.001)
