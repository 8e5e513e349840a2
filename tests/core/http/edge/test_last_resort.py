"""The last resort: an exception that no handler has answered is a 500 in the one form, once."""

from typing import Any, cast

import pytest
from litestar import Litestar
from litestar.types import Message, Receive, Scope, Send

from app.core.http.edge.last_resort import LastResort
from app.core.http.problems import INTERNAL_ERROR
from app.testing.clients import Client, assert_error

pytestmark = pytest.mark.any_database


async def fail(*_: object) -> None:
    raise ConnectionError


async def fail_after_the_start(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise ConnectionError


def client_of(app: Litestar) -> Client:
    """Return a client that does with exceptions what a server does: it goes on."""
    client = Client(app)
    client._transport.raise_app_exceptions = False  # type: ignore[attr-defined]
    return client


async def test_an_exception_before_the_answer_is_a_500() -> None:
    app = Litestar(openapi_config=None, logging_config=None)
    app.asgi_handler = LastResort(fail)

    assert assert_error(await client_of(app).get("/x"), 500) == {"detail": INTERNAL_ERROR}
    with pytest.raises(ConnectionError):
        await Client(app).get("/x")


async def test_an_exception_after_the_start_of_the_answer_adds_no_second_one() -> None:
    sent = []

    async def send(message: Message) -> None:
        sent.append(message["type"])

    with pytest.raises(ConnectionError):
        await LastResort(fail_after_the_start)(cast("Any", {"type": "http"}), cast("Any", None), send)

    assert sent == ["http.response.start"]
