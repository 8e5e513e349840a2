"""Figures in two worlds: they are the same whether others have rows or not, with layers 2 and 3 off."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from app.core.data.repository.figures import FiguresReader, FiguresRequest
from app.core.data.repository.repository import Repository
from app.core.data.sql.conditions import Condition
from app.core.data.sql.figure_declarations import count, max_of
from app.core.data.tables import now
from app.tasks.models import Task
from app.testing.databases import Databases
from tests.isolation.shapes.worlds import Worlds, worlds_on

FIGURES = (
    ("total", count("All.")),
    ("open", count("Open.", lambda task: ~task.completed)),
    ("past", count("Of the past.", lambda task: task.created_at < now())),
    ("latest", max_of("created_at", "The latest.")),
)
GROUPS = ("completed", "project_id", "title", "user_id")
REQUESTS = [
    *(FiguresRequest(group) for group in (None, *GROUPS)),
    *(FiguresRequest(group, (Condition("completed", "eq"),), (False,)) for group in (None, *GROUPS)),
    *(FiguresRequest(group, (Condition("project__archived", "eq"),), (False,)) for group in (None, *GROUPS)),
]

pytestmark = pytest.mark.hooks_alone


@pytest.fixture(scope="module")
async def worlds(databases: Databases) -> AsyncIterator[Worlds]:
    async with worlds_on(databases) as opened:
        yield opened


async def answers(session: Any) -> list[bytes]:
    reader, repository = FiguresReader(Task, FIGURES, GROUPS, __name__), Repository.of(Task)(session=session)
    return [msgspec.json.encode(await repository.select_figures(reader, request)) for request in REQUESTS]


async def test_rows_of_others_change_no_figure(worlds: Worlds) -> None:
    async with worlds.alone.session() as session:
        alone = await answers(session)
    async with worlds.among_others.session() as session:
        among_others = await answers(session)
    async with worlds.among_others.unscoped_session() as session:
        of_everyone = await answers(session)

    assert among_others == alone
    assert all(one != other for one, other in zip(alone, of_everyone, strict=True))  # without layer 1 they would
