"""Rows to dump: those at the edges, those of a person in every table, and the line that one of them is."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from app.core.data.connection.engine import make_engine, snapshot_of
from app.core.data.ownership.guard import everyone
from app.core.data.ownership.session import AppSession
from app.core.data.tables.field_types import MAX_ID
from app.core.data.tables.registry import sorted_owned_models
from app.core.data.transfer.dumps import dump_rows
from app.projects.factories import ProjectFactory
from app.tasks.factories import TaskFactory
from app.testing.databases import settings_for_tests
from app.testing.factories import factory_of, stored_through
from tests.isolation.attacks import references_of

SMALLEST = -(2**63)
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
WRITTEN = 'a "quote" \\ and\nlines\r\n\t\u2028\u0085 🙂 é \\N \\. \x7f'


@asynccontextmanager
async def opened(url: str, *, snapshot: bool = False) -> AsyncIterator[AppSession]:
    engine = make_engine(settings_for_tests(url))
    try:
        async with AppSession(snapshot_of(engine) if snapshot else engine, expire_on_commit=False) as session:
            yield everyone(session)
    finally:
        await engine.dispose()


async def dumped(url: str) -> list[bytes]:
    async with opened(url, snapshot=True) as session:
        return [row.line() async for row in dump_rows(session)]


async def fill(url: str) -> None:
    """Rows at the edges: of ids, of text, of time, with and without references, of two owners."""
    async with opened(url) as session:
        with stored_through(session):
            for owner, project in (("alice", SMALLEST), ("bób 🙂", MAX_ID - 1)):
                await ProjectFactory.create_async(id=project, user_id=owner, name=WRITTEN, description=None)
                await TaskFactory.create_async(id=project + 1, user_id=owner, project_id=project, completed=True)
            for number, moment in enumerate(MOMENTS):
                await TaskFactory.create_async(id=number, user_id="alice", description="", created_at=moment)


MOMENTS = (
    MOMENT,
    MOMENT.replace(microsecond=0),
    MOMENT.replace(microsecond=100),
    MOMENT.astimezone(timezone(timedelta(hours=5, minutes=45))),
    datetime.max.replace(tzinfo=UTC),
    datetime.min.replace(tzinfo=UTC),
)


def line(table: str = "projects", **changes: Any) -> bytes:
    row = {"id": 1, "user_id": "alice", "name": "n", "description": None, "archived": False}
    times = {"created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z"}
    return json.dumps({"table": table, "row": row | times | changes}).encode()


async def store_person(user_id: str, rows: int = 1) -> None:
    """Store rows in every table through the factories; each refers to the person's last row of the table it can."""
    last: dict[str, int | None] = {}
    for model in sorted_owned_models():
        factory: Any = factory_of(model)
        references = {column: last.get(table) for column, table in references_of(model).items()}
        stored = await factory.create_batch_async(rows, user_id=user_id, **references)
        last[str(model.__tablename__)] = stored[-1].id
