"""Calls without a statement: rows by key, the unit of work, repositories, and the legacy query."""

from typing import Any, Final

from sqlalchemy.orm import make_transient_to_detached, selectinload

from app.core.data.ownership.session import AppSession
from app.core.data.repository.repository import Repository
from app.tasks.models import Task
from tests.isolation.shapes.calls import answer, plain
from tests.isolation.shapes.expressions import condition, constant
from tests.isolation.shapes.grammar import TEXT, Author, Scope
from tests.isolation.shapes.mappings import Board, Card
from tests.isolation.shapes.rows import moment
from tests.isolation.shapes.shape import OBJECTS, Run
from tests.isolation.shapes.sources import MAPPED, class_source
from tests.isolation.shapes.writes import some_ids

_CLASSES: Final = [*MAPPED, Card, Board]


@OBJECTS(2)
def _get(author: Author, _: Scope) -> Run:
    model = author.choose(_CLASSES)
    row_id = author.choose(some_ids(author, model))
    options = [selectinload(Card.board)] if model is Card else []

    async def run(session: AppSession) -> Any:
        return plain(await session.get(model, row_id, options=options, populate_existing=True))

    return run


@OBJECTS(2)
def _forged_row(author: Author, _: Scope) -> Run:
    """A row that was never loaded, and is changed, deleted or refreshed by the unit of work."""
    model = author.choose(_CLASSES)
    row_id = author.choose(some_ids(author, model))
    deed = author.choose(["change", "delete", "refresh"])

    def forge(session: Any) -> Any:
        row = model()
        row.id, row.user_id = row_id, "mallory"
        make_transient_to_detached(row)
        session.add(row)
        if deed == "refresh":
            session.refresh(row)
            return plain(row)
        if deed == "delete":
            session.delete(row)
        else:
            row.description, row.updated_at = "forged", moment(20)
        session.flush()
        return deed

    async def run(session: AppSession) -> Any:
        return await session.run_sync(forge)

    return run


@OBJECTS(1)
def _merged_row(author: Author, _: Scope) -> Run:
    model = author.choose(_CLASSES)
    row_id = author.choose(some_ids(author, model))

    async def run(session: AppSession) -> Any:
        row = model()
        row.id, row.description, row.created_at, row.updated_at = row_id, "merged", moment(20), moment(20)
        merged = await session.merge(row)
        await session.flush()
        return plain(merged)

    return run


@OBJECTS(1)
def _new_row(author: Author, _: Scope) -> Run:
    model = author.choose(_CLASSES)
    owner = author.choose([None, "mallory", "alice"])
    text, name = constant(author, TEXT), "title" if model in (Task, Card) else "name"

    async def run(session: AppSession) -> Any:
        row = model()
        flag = {"completed": False} if name == "title" else {"archived": False}
        for key, value in {
            name: text,
            "user_id": owner,
            "created_at": moment(20),
            "updated_at": moment(20),
            **flag,
        }.items():
            setattr(row, key, value)
        session.add(row)
        await session.flush()
        return plain(row)

    return run


@OBJECTS(2)
def _repository(author: Author, scope: Scope) -> Run:
    model = author.choose(MAPPED)
    about = author.choose([model, model, *MAPPED])  # the condition may use another table than the repository's
    inner = Scope((class_source(about),), scope.depth)
    method = author.choose(["count", "exists", "get_many", "get_many_and_count", "get_one_or_none", "delete_where"])
    conditions = [condition(author, inner) for _ in range(author.number(0, 2))]

    async def run(session: AppSession) -> Any:
        repository: Any = Repository.of(model)(session=session)
        found = await getattr(repository, method)(*conditions)
        if method == "get_many_and_count":
            return [answer(found[0], is_ordered=False), found[1]]
        return answer(found, is_ordered=False) if isinstance(found, list) else plain(found)

    return run


@OBJECTS(1)
def _legacy_query(author: Author, scope: Scope) -> Run:
    model = author.choose(_CLASSES)
    where = condition(author, Scope((class_source(model),), scope.depth))
    deed = author.choose(["all", "count", "exists", "update", "delete"])

    def ask(session: Any) -> Any:
        asked = session.query(model).filter(where)
        if deed == "all":
            return answer(asked.all(), is_ordered=False)
        if deed == "exists":
            return session.query(asked.exists()).scalar()
        if deed == "update":
            return asked.update({"description": "said", "updated_at": moment(20)}, synchronize_session=False)
        return asked.delete(synchronize_session=False) if deed == "delete" else asked.count()

    async def run(session: AppSession) -> Any:
        return plain(await session.run_sync(ask))

    return run
