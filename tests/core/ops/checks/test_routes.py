"""Checks of the routes: an application with one fault each."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from litestar import Litestar, WebSocket, asgi, get, post, websocket
from litestar.params import FromQuery, JSONBody
from litestar.types import Receive, Scope, Send
from pydantic import BaseModel, Field

from app.asgi import create_app
from app.core.ops.checks import run_checks
from app.settings import Settings
from app.testing.databases import SqliteDatabases
from tests.core.ops.checks.conftest import messages, production

Ids = Callable[..., Awaitable[list[str]]]


@pytest.fixture
def settings(sqlite_databases: SqliteDatabases) -> Settings:
    return production(sqlite_databases.fresh())


def with_handlers(*handlers: Any) -> Callable[[Settings], Litestar]:
    """The application, with handlers of one's own besides."""

    def make(settings: Settings) -> Litestar:
        app = create_app(settings)
        for handler in handlers:
            app.register(handler)
        return app

    return make


def unprotected(*handlers: Any) -> Callable[[Settings], Litestar]:
    """An application that lacks the middleware and the guard."""
    return lambda _: Litestar(list(handlers))


@get("/notes")
async def one() -> dict[str, str]:
    """Answer with one object."""
    return {}


@get("/notes")
async def unbounded() -> list[int]:
    """Answer with all there is."""
    return []


@get("/notes")
async def barely_bounded(limit: FromQuery[int] = 10) -> list[int]:
    """Answer with as many as are asked for."""
    return []


@websocket("/notes")
async def talk(socket: WebSocket[Any, Any, Any]) -> None:
    """Talk."""


@asgi("/notes", is_mount=True, copy_scope=True)
async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
    """Be another application."""


async def test_the_application_itself_is_in_order(settings: Settings, ids: Ids) -> None:
    assert await ids(settings, create_app) == []
    assert await ids(settings, with_handlers(one)) == []


@pytest.mark.parametrize("handler", [one, talk, mounted], ids=["http", "websocket", "mount"])
async def test_a_route_that_asks_for_no_token_is_found(settings: Settings, handler: Any) -> None:
    found = await messages(settings, unprotected(handler))

    assert {message.id for message in found} == {"security.E001"}
    assert any("/notes requires no token" in message.message for message in found)


async def test_a_route_without_the_owners_guard_is_found(settings: Settings, ids: Ids) -> None:
    def make(settings: Settings) -> Litestar:
        app = create_app(settings)
        return Litestar([one], middleware=app.middleware)

    assert "security.E001" in await ids(settings, make)


async def test_debug_mode_is_found(settings: Settings, ids: Ids, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITESTAR_DEBUG", "1")

    assert await ids(settings, create_app) == ["security.E003"]


async def test_that_the_docs_are_open_is_said(settings: Settings) -> None:
    (message,) = await run_checks(settings, create_app, deploy=True)

    assert (message.id, message.level) == ("security.I001", "info")


@pytest.mark.parametrize("handler", [unbounded, barely_bounded])
async def test_a_list_without_an_end_is_found(settings: Settings, ids: Ids, handler: Any) -> None:
    assert await ids(settings, with_handlers(handler)) == ["http.W001"]


@pytest.mark.parametrize("error", [TypeError("tasks lacks a key"), RuntimeError("Add to INSTALLED: notes")])
async def test_an_application_that_does_not_start_is_said(settings: Settings, error: Exception) -> None:
    def make(_: Settings) -> Litestar:
        raise error

    (message,) = await messages(settings, make)

    assert (message.id, message.message) == ("start.E001", f"The application does not start: {error}")


class Note(BaseModel):
    """What a client sends."""

    title: str = Field(max_length=200)
    body: str


@post("/notes")
async def write(data: JSONBody[Note]) -> None:
    """Store it."""


async def test_a_value_of_any_length_is_found(settings: Settings) -> None:
    found = await messages(settings, with_handlers(write))

    assert [(message.id, message.message) for message in found] == [
        ("http.W002", "Note.body accepts a value of any length.")
    ]
