"""The ways to execute a statement, and the form in which results are compared."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, inspect
from sqlalchemy.orm import InstanceState

from app.core.data.ownership.session import AppSession
from tests.isolation.shapes.grammar import Author, Scope
from tests.isolation.shapes.shape import CALLS, Run, Statement


def plain(value: Any, depth: int = 3) -> Any:
    """Return a value in a form that can be compared and sorted; an ORM object as its loaded attributes."""
    if isinstance(value, Row | tuple | list):
        return [plain(part, depth) for part in value]
    state = inspect(value, raiseerr=False)
    if isinstance(state, InstanceState):
        if depth == 0:  # objects reference each other in cycles
            return type(value).__name__
        loaded = sorted(state.dict.items(), key=lambda item: item[0])
        return [type(value).__name__, *((k, plain(v, depth - 1)) for k, v in loaded if k != "_sa_instance_state")]
    return repr(value)


def answer(rows: Sequence[Any], is_ordered: bool) -> list[Any]:
    """Return rows for a comparison: in their order, or sorted where the statement has no order."""
    found = [plain(row) for row in rows]
    return found if is_ordered else sorted(found, key=repr)


def _answer_of(result: Any, asked: Statement) -> Any:
    if not getattr(result, "returns_rows", True):  # an ORM result has rows, but lacks this attribute
        return ["rowcount", result.rowcount]
    return answer((result.unique() if asked.has_entities else result).all(), asked.is_ordered)


@CALLS(4)
def _execute(_: Author, __: Scope, asked: Statement) -> Run:
    async def run(session: AppSession) -> Any:
        result = await session.execute(asked.statement, asked.parameters, execution_options=dict(asked.options))
        return _answer_of(result, asked)

    return run


@CALLS(1)
def _execute_in_a_transaction(author: Author, scope: Scope, asked: Statement) -> Run:
    execute = _execute(author, scope, asked)

    async def run(session: AppSession) -> Any:
        async with session.atomic():
            return await execute(session)

    return run


@CALLS(1)
def _scalars(author: Author, scope: Scope, asked: Statement) -> Run:
    if asked.is_write:  # it may return no rows
        return _execute(author, scope, asked)

    async def run(session: AppSession) -> Any:
        found = await session.scalars(asked.statement, asked.parameters, execution_options=dict(asked.options))
        return answer((found.unique() if asked.has_entities else found).all(), asked.is_ordered)

    return run


@CALLS(1)
def _stream(author: Author, scope: Scope, asked: Statement) -> Run:
    if asked.is_write:  # PostgreSQL has no cursors for writes
        return _execute_in_a_transaction(author, scope, asked)
    in_parts = author.happens(0.3)
    options = {**asked.options, "yield_per": 2} if in_parts else asked.options

    async def run(session: AppSession) -> Any:
        async with session.atomic():
            result = await session.stream(asked.statement, asked.parameters, execution_options=dict(options))
            unique = asked.has_entities and not in_parts  # SQLAlchemy does not allow both
            return answer(await (result.unique() if unique else result).all(), asked.is_ordered)

    return run


@CALLS(0.5)
def _execute_twice(author: Author, scope: Scope, asked: Statement) -> Run:
    """The second execution uses the objects in the session, and the caches."""
    execute = _execute(author, scope, asked)

    async def run(session: AppSession) -> Any:
        return [await execute(session), await execute(session)]

    return run


@CALLS(0.5)
def _execute_and_load_relationships(_: Author, __: Scope, asked: Statement) -> Run:
    """Load the relationships of the returned objects too."""

    def look(session: Any) -> Any:
        result = session.execute(asked.statement, asked.parameters, execution_options=dict(asked.options))
        rows = (
            (result.unique() if asked.has_entities else result).all() if getattr(result, "returns_rows", True) else []
        )
        for value in (value for row in rows for value in row):
            state = inspect(value, raiseerr=False)
            if isinstance(state, InstanceState):
                for name, _ in state.mapper.relationships.items():
                    getattr(value, name)
        return answer(rows, asked.is_ordered)

    async def run(session: AppSession) -> Any:
        return await session.run_sync(look)

    return run


@CALLS(0.3)
def _execute_in_another_schema(author: Author, scope: Scope, asked: Statement) -> Run:
    schema = "public" if author.is_postgres else "main"
    options = {**asked.options, "schema_translate_map": {None: schema}}
    return _execute(
        author,
        scope,
        Statement(asked.statement, asked.parameters, asked.is_ordered, asked.has_entities, options=options),
    )


@CALLS(0.1)
def _execute_on_the_connection(_: Author, __: Scope, asked: Statement) -> Run:
    async def run(session: AppSession) -> Any:
        return _answer_of(await (await session.connection()).execute(asked.statement, asked.parameters), asked)

    return run
