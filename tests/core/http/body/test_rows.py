"""Rows of a noun's own statement: columns are matched by name, and what has none is refused."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from app.core.data.ownership.session import AppSession
from app.core.data.repository.repository import Repository
from app.core.data.tables.registry import columns_of
from app.core.http.body.dto import RowDTO
from app.tasks.models import Task
from app.testing.factories import factory_of


def written(content: Any) -> Any:
    made: Any = RowDTO[Task]
    return made.data_to_encodable_type(made.__new__(made), content)


@pytest.mark.any_database
async def test_rows_that_are_selected_in_another_order_are_served_under_their_names(db: AppSession) -> None:
    task = await factory_of(Task).create_async(user_id="alice")
    expected = await Repository.of(Task)(session=db).select_one(task.id or 0)
    rows = list((await db.execute(select(*reversed(columns_of(Task))))).all())

    assert written(rows) == [expected]
    assert written(rows[0]) == expected
    assert written(None) is None


@pytest.mark.any_database
async def test_what_does_not_name_the_tables_columns_is_refused(db: AppSession) -> None:
    task = await factory_of(Task).create_async(user_id="alice")
    fewer = (await db.execute(select(*columns_of(Task)[1:]))).one()
    entity = (await db.execute(select(Task))).one()

    for row in (fewer, entity):
        with pytest.raises(TypeError, match="about Task selected other columns than the table has; select id, user_id"):
            written([row])
    for row in (tuple(fewer), task):
        with pytest.raises(TypeError, match=re.escape(f"about Task returned {type(row).__name__}; return rows of")):
            written(row)
