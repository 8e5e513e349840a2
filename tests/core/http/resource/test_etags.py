"""Entity tags: what names a state of a row, what names none, and that of many who saw one only one changes it."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from litestar.exceptions import ValidationException

from app.asgi import create_app
from app.core.http.resource.etags import MAX_ETAGS, parse_if_match, with_etag
from app.installed import INSTALLED
from app.testing.clients import Client
from app.testing.databases import Databases, settings_for_tests
from tests.core.http.bodies import valid_body

MOMENT = datetime(2026, 2, 28, 12, 30, 15, 120000, tzinfo=UTC)


@pytest.mark.parametrize("lines", [["*"], [" * "]])
def test_any_state_will_do(lines: list[str]) -> None:
    assert parse_if_match(lines) is None


@pytest.mark.parametrize(
    "tag",
    [
        '"2026-02-28T12:30:15.12Z"',
        ' "2026-02-28T12:30:15.120000Z" ',
        '"2026-02-28T13:30:15.12+01:00"',
        'W/"2026-02-28T12:30:15.12Z"',
    ],
)
def test_a_tag_names_a_moment(tag: str) -> None:
    (state,) = parse_if_match([tag]) or ()

    assert state.contains(MOMENT)
    assert not state.contains(MOMENT + timedelta(milliseconds=1))
    assert not state.contains(MOMENT - timedelta.resolution)


def test_a_moment_that_has_lost_its_microseconds_names_the_same_state() -> None:
    exact = MOMENT + timedelta(microseconds=345)
    (state,) = parse_if_match([f'"{exact.isoformat(timespec="milliseconds")}"']) or ()
    (exact_state,) = parse_if_match([f'"{exact.isoformat()}"']) or ()

    assert state.contains(exact)
    assert exact_state.contains(exact)
    assert not exact_state.contains(exact + timedelta.resolution)


@pytest.mark.parametrize(
    "lines",
    [
        ['"2026-02-28T12:30:16Z", "2026-02-28T12:30:15.12Z"'],
        ['"2026-02-28T12:30:16Z","2026-02-28T12:30:15.12Z"'],
        ['"x", W/"2026-02-28T12:30:15.12Z", "y"'],
        ['"x"', '"2026-02-28T12:30:15.12Z"'],
        ['"2026-02-28T12:30:15.12Z"', '"x"'],
        ['"a,b", "2026-02-28T12:30:15.12Z"'],
        ['"2026-02-28T12:30:15.12Z", *'],
    ],
)
def test_a_list_names_each_of_its_states(lines: list[str]) -> None:
    assert any(state.contains(MOMENT) for state in parse_if_match(lines) or ())


@pytest.mark.parametrize(
    "value",
    [
        "",
        "2026-02-28T12:30:15Z",
        '"2026-02-28T12:30:15"',
        '"x"',
        "null",
        "{}",
        "1",
        '"\udcff"',
        '"0001-01-01T00:00:00Z"',
        '"0001-01-01T00:00:00+23:59"',
        '"9999-12-31T23:59:59.999999Z"',
        '"9999-12-31T23:59:59.999999-23:59"',
        '"10000-01-01T00:00:00Z"',
        '"2026-02-30T00:00:00Z"',
        '"2026-02-28T12:30:60Z"',
    ],
)
def test_what_is_no_tag_of_ours_names_no_state(value: str) -> None:
    assert parse_if_match([value]) == []


def test_more_tags_than_anybody_has_seen_are_refused() -> None:
    tags = [f'"2026-02-28T12:30:{second:02}Z"' for second in range(MAX_ETAGS + 1)]

    assert len(parse_if_match([", ".join(tags[1:] * 3)]) or ()) == MAX_ETAGS
    with pytest.raises(ValidationException):
        parse_if_match([", ".join(tags)])


def test_a_row_that_does_not_know_when_it_changed_has_no_tag() -> None:
    assert with_etag(SimpleNamespace(id=1), Location="/1").headers == {"Location": "/1"}
    assert with_etag(SimpleNamespace(updated_at=MOMENT)).headers == {"ETag": '"2026-02-28T12:30:15.120000Z"'}


async def test_of_many_who_saw_one_state_one_changes_it(databases: Databases) -> None:
    app, controller = create_app(settings_for_tests(databases.fresh())), INSTALLED[0]
    client = Client(app, "alice")
    async with app.lifespan():
        created = await client.post(controller.path, json=await valid_body(client, controller))
        path, seen = created.headers["location"], {"If-Match": created.headers["etag"]}
        bodies = [await valid_body(client, controller) for _ in range(10)]
        answers = await asyncio.gather(*(client.patch(path, json=body, headers=seen) for body in bodies))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 9}
