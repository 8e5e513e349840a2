"""The database's clock: its time is an instant like those that a session stores, also where these are texts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Text, cast, func, select
from sqlalchemy.ext.asyncio import async_sessionmaker

from app.core.data.ownership.guard import bind_owner
from app.core.data.ownership.session import AppSession
from app.core.data.repository.repository import Repository
from app.core.data.sql.changes import changes_of
from app.core.data.tables import TimeZone, clock, day_in, now
from app.core.data.tables.field_types import utcnow
from app.core.data.tables.versions import FIRST_INSTANT, LAST_INSTANT
from app.tasks.models import Task
from app.testing.factories import factory_of

TASK: Any = Task
SECOND = timedelta(seconds=1)


async def is_past(db: AppSession, moment: datetime) -> bool:
    task = await factory_of(Task).create_async(user_id="alice", created_at=moment)
    found = await db.run(select(TASK.id).where(TASK.id == task.id, TASK.created_at <= now()), {})
    return bool(found)


async def test_it_is_the_present_time_in_utc(db: AppSession) -> None:
    before = utcnow() - timedelta(milliseconds=1)
    [[moment]] = await db.run(select(now()), {})

    assert moment.tzinfo == UTC
    assert before <= moment <= utcnow()
    assert await db.scalar(select(now())) >= moment


async def test_each_statement_has_a_later_time_also_inside_a_transaction(db: AppSession) -> None:
    async with db.atomic():
        moments = [(await db.run(select(now()), {}))[0][0] for _ in range(500)]  # takes more than a millisecond

    assert moments == sorted(moments)
    assert moments[0] < moments[-1]


@pytest.mark.parametrize(
    ("moment", "past"),
    [
        pytest.param(lambda: FIRST_INSTANT, True, id="the first"),
        pytest.param(lambda: utcnow() - timedelta(milliseconds=1), True, id="a millisecond ago"),
        pytest.param(lambda: utcnow().replace(microsecond=0), True, id="this second, without digits"),
        pytest.param(lambda: utcnow().replace(microsecond=999_999) - SECOND, True, id="the end of the last second"),
        pytest.param(lambda: utcnow() + 60 * SECOND, False, id="in a minute"),
        pytest.param(lambda: LAST_INSTANT, False, id="the last"),
    ],
)
async def test_a_row_is_compared_with_it(db: AppSession, moment: Any, past: bool) -> None:
    assert await is_past(db, moment()) is past


async def test_a_stored_time_has_the_same_form_as_one_of_the_session(
    db: AppSession, sessions: async_sessionmaker[AppSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text with fewer digits, or with another separator, would be before or after all others of its second."""
    monkeypatch.setattr("app.core.data.sql.changes._SET_BY_SERVER", frozenset())
    changes = changes_of(Task, {"created_at": now()}, "Test")
    mine, other = [await factory_of(Task).create_async(user_id="alice") for _ in range(2)]
    async with sessions() as session:
        bind_owner(session, "alice")
        row = await Repository.of(Task)(session=session).apply(mine.id or 0, changes)
    await Repository.of(Task)(session=db).update_one(other.id or 0, {"created_at": row.created_at})
    ids = TASK.id.in_([mine.id, other.id])
    texts = (await db.scalars(select(func.distinct(cast(TASK.created_at, Text))).where(ids))).all()

    assert len(texts) == 1
    assert await db.scalar(select(func.count()).where(ids, TASK.created_at == row.created_at)) == 2
    assert await db.scalar(select(func.count()).where(ids, TASK.created_at <= now())) == 2


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("zone", "moment", "first", "last"),
    [
        ("UTC", "2026-02-28T23:59:59.999999", "2026-02-28T00:00", "2026-03-01T00:00"),
        ("UTC", "2026-03-01T00:00", "2026-03-01T00:00", "2026-03-02T00:00"),
        ("Europe/Berlin", "2026-03-28T22:59:59", "2026-03-27T23:00", "2026-03-28T23:00"),
        ("Europe/Berlin", "2026-03-28T23:00", "2026-03-28T23:00", "2026-03-29T22:00"),  # 23 hours
        ("Europe/Berlin", "2026-10-25T22:30", "2026-10-24T22:00", "2026-10-25T23:00"),  # 25 hours
        ("Pacific/Apia", "2011-12-30T09:59", "2011-12-29T10:00", "2011-12-30T10:00"),  # the 30th is left out
        ("Africa/Cairo", "2026-04-24T12:00", "2026-04-23T22:00", "2026-04-24T21:00"),  # there is no midnight
        ("America/Havana", "2026-11-01T12:00", "2026-11-01T04:00", "2026-11-02T05:00"),  # midnight comes twice
    ],
)
def test_a_day_has_the_hours_of_its_time_zone(
    monkeypatch: pytest.MonkeyPatch, zone: str, moment: str, first: str, last: str
) -> None:
    monkeypatch.setattr(clock, "utcnow", lambda: datetime.fromisoformat(moment).replace(tzinfo=UTC))

    assert day_in(TimeZone(zone)) == tuple(datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (first, last))
