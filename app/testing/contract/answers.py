"""What a rule expects of an answer, and what it reads in one."""

from typing import Any, Final

import httpx

from app.testing.clients import assert_error

_VARYING_HEADERS: Final = frozenset({"date", "x-request-id", "x-response-time", "server-timing"})


def expect(what: str, actual: object, expected: object) -> None:
    """Assert that two things are equal, and say both where they are not."""
    assert actual == expected, f"{what}: expected {expected!r}, got {actual!r}"


def expect_error(what: str, answer: httpx.Response, status: int, *fields: str) -> None:
    """Assert that an answer is an error in the one form that names these places, `body.title`, and no others."""
    came = answer.status_code
    assert came == status, f"{what}: {status} expected, {came} came: {answer.text}"
    try:
        found = assert_error(answer, status)
    except AssertionError as error:
        raise AssertionError(f"{what}: {error}") from None
    if fields:
        named = {".".join(map(str, entry["loc"])) for entry in found["errors"]}
        expect(f"{what}: the fields named", named, set(fields))


def visible_parts(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Return all that a client can tell answers apart by; the time and the request's own id are no differences."""
    headers = [item for item in answer.headers.multi_items() if item[0].lower() not in _VARYING_HEADERS]
    return answer.status_code, answer.content, headers


def row_in(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """Assert that an answer succeeded, and return the row in it."""
    what = f"{answer.request.method} {answer.request.url.path}"
    assert answer.status_code == status, f"{what}: expected {status}, got {answer.status_code} {answer.text}"
    row = answer.json()
    assert isinstance(row, dict), f"{what}: expected an object, got {answer.text}"
    return row


def without_updated_at(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without what moves whenever it changes."""
    return {name: value for name, value in row.items() if name != "updated_at"}
