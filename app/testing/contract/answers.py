"""Assertions about responses."""

from typing import Any, Final

import httpx

from app.testing.clients import assert_error

_VARYING_HEADERS: Final = frozenset({"date", "x-request-id", "x-response-time", "server-timing"})


def expect(label: str, actual: object, expected: object) -> None:
    """Assert that two values are equal; the message shows both."""
    assert actual == expected, f"{label}: expected {expected!r}, got {actual!r}"


def expect_error(label: str, answer: httpx.Response, status: int, *fields: str) -> None:
    """Assert that a response is an error; `fields`, like `body.title`, are all that its `errors` name."""
    came = answer.status_code
    assert came == status, f"{label}: expected {status}, got {came}: {answer.text}"
    try:
        found = assert_error(answer, status)
    except AssertionError as error:
        raise AssertionError(f"{label}: {error}") from None
    if fields:
        named = {".".join(map(str, entry["loc"])) for entry in found["errors"]}
        expect(f"{label}: the fields named", named, set(fields))


def visible_parts(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Return all that a client can compare: status, body, and the headers without times and request id."""
    headers = [item for item in answer.headers.multi_items() if item[0].lower() not in _VARYING_HEADERS]
    return answer.status_code, answer.content, headers


def row_in(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """Assert that a request succeeded, and return the row in its response."""
    label = f"{answer.request.method} {answer.request.url.path}"
    assert answer.status_code == status, f"{label}: expected {status}, got {answer.status_code} {answer.text}"
    row = answer.json()
    assert isinstance(row, dict), f"{label}: expected an object, got {answer.text}"
    return row


def without_updated_at(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without `updated_at`, which every change sets."""
    return {name: value for name, value in row.items() if name != "updated_at"}
