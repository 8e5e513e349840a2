"""HTTP clients of the application in this process, with or without a token."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
from litestar import Litestar

from app.core.auth.tokens import issue_token
from app.testing.databases import SECRET


class Client(httpx.AsyncClient):
    """A client of the application that sends a token of `user`, or no token if `user` is None."""

    def __init__(self, app: Litestar, user: str | None = None, **options: Any) -> None:
        token = issue_token(user, SECRET.encode(), 3600) if user else None
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # two spellings of the same ASGI types
        super().__init__(transport=transport, base_url="http://testserver", headers=headers, **options)
        self.user = user


ClientFor = Callable[[str], Client]
"""The type of the fixture `as_user`: it makes a client that sends a token of the given user."""

CountQueries = Callable[[], AbstractContextManager[list[str]]]
"""The type of the fixture `count_queries`: it collects the SQL statements of a `with` block."""


def assert_error(response: httpx.Response, status: int) -> dict[str, Any]:
    """Assert that the response is an error with this status, in the API's error format; return its body."""
    body = response.json()
    assert response.status_code == status, f"expected {status}, got {response.status_code}: {response.text}"
    assert response.headers["content-type"] == "application/json"
    assert isinstance(body["detail"], str)
    assert body["detail"]
    named = {"errors"} if status == 422 or (status == 409 and "errors" in body) else set()
    assert set(body) == {"detail"} | named
    for error in body.get("errors", []):
        assert set(error) == {"loc", "msg", "type"}
        assert error["loc"]
    return dict(body)
