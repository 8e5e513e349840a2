"""Operations: guards are asked as Litestar asks them, and see the handler itself."""

from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from app.core.http.resource.handler import Operation

pytestmark = pytest.mark.any_database

Connection = ASGIConnection[Any, Any, Any, Any]


@Operation("/", http_method="GET")
async def greet() -> str:
    return "hello"


async def get(*guards: Any) -> httpx.Response:
    app: Any = Litestar([greet], guards=[*guards], openapi_config=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        return await client.get("/")


async def test_all_guards_are_asked_in_their_order_and_see_the_handler_itself() -> None:
    asked: list[tuple[str, BaseRouteHandler]] = []

    async def first(connection: Connection, handler: BaseRouteHandler) -> None:
        asked.append(("first", handler))

    def second(connection: Connection, handler: BaseRouteHandler) -> None:
        asked.append(("second", handler))

    answer = await get(first, second)

    assert answer.text == "hello"
    assert [name for name, _ in asked] == ["first", "second"]
    assert len({id(handler) for _, handler in asked}) == 1


@pytest.mark.parametrize("behind", [[], [lambda *_: None]], ids=["the last", "one before another"])
async def test_what_a_guard_refuses_is_not_answered(behind: list[Any]) -> None:
    def refuse(connection: Connection, handler: BaseRouteHandler) -> None:
        raise PermissionDeniedException

    assert (await get(refuse, *behind)).status_code == 403
