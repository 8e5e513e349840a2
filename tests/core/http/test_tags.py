"""Entity tags: what names a state of a row, what names none, and that of many who saw one only one changes it."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from app.asgi import create_app
from app.core.http.tags import state_in, tagged
from app.installed import INSTALLED
from app.testing.callers import Client
from app.testing.databases import Databases, settings_for_tests
from tests.core.http.bodies import valid_body

MOMENT = datetime(2026, 2, 28, 12, 30, 15, 120000, tzinfo=UTC)


@pytest.mark.parametrize("if_match", ["*", " * "])
def test_any_state_will_do(if_match: str) -> None:
    assert state_in(if_match) is None


@pytest.mark.parametrize("if_match", ['"2026-02-28T12:30:15.12Z"', ' "2026-02-28T12:30:15.120000Z" '])
def test_a_tag_names_a_moment(if_match: str) -> None:
    assert state_in(if_match) == MOMENT


def test_a_moment_may_be_told_in_another_zone() -> None:
    assert state_in('"2026-02-28T13:30:15.12+01:00"') == MOMENT.astimezone(timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    "if_match",
    [
        "",
        "2026-02-28T12:30:15Z",
        '"2026-02-28T12:30:15"',
        'W/"2026-02-28T12:30:15Z"',
        '"2026-02-28T12:30:15Z", "2026-02-28T12:30:16Z"',
        '"x"',
        "null",
        "{}",
        "1",
        '"\udcff"',
    ],
)
def test_what_is_no_tag_names_a_state_that_no_row_has(if_match: str) -> None:
    state = state_in(if_match)

    assert state is not None
    assert state.year == 1


def test_a_row_that_does_not_know_when_it_changed_has_no_tag() -> None:
    assert tagged(SimpleNamespace(id=1), Location="/1").headers == {"Location": "/1"}
    assert tagged(SimpleNamespace(updated_at=MOMENT)).headers == {"ETag": '"2026-02-28T12:30:15.120000Z"'}


async def test_of_many_who_saw_one_state_one_changes_it(databases: Databases) -> None:
    app, controller = create_app(settings_for_tests(databases.fresh())), INSTALLED[0]
    client = Client(app, "alice")
    async with app.lifespan():
        created = await client.post(controller.path, json=await valid_body(client, controller))
        path, seen = created.headers["location"], {"If-Match": created.headers["etag"]}
        body = await valid_body(client, controller)
        answers = await asyncio.gather(*(client.patch(path, json=body, headers=seen) for _ in range(10)))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 9}
