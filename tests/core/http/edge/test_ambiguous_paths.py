"""Ambiguous paths: a path that a proxy could read in another way names nothing."""

import httpx
import pytest
from litestar import Litestar

from app.testing.clients import Client, assert_error

pytestmark = pytest.mark.any_database

PATHS = ("/api/tasks", "/api/projects", "/schema/openapi.json", "/health")


async def ask(app: Litestar, raw_path: bytes) -> httpx.Response:
    url = httpx.URL("http://testserver").copy_with(raw_path=raw_path)
    return await Client(app, "alice").get(url)


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_has_one_spelling(live_app: Litestar, path: str) -> None:
    unknown = await ask(live_app, b"/nothing")
    assert (await ask(live_app, path.encode())).status_code == 200
    for spelling in (f"/{path}", f"{path}//", path.replace("/", "//"), f"/%2f{path[1:]}", f"{path}%2F"):
        answer = await ask(live_app, spelling.encode())
        assert_error(answer, 404)
        assert answer.content == unknown.content


async def test_an_encoded_letter_is_that_letter(live_app: Litestar) -> None:
    assert (await ask(live_app, b"/%61pi/tasks")).status_code == 200
