"""No statement and no repository method reaches another owner's row, or any row in a session without an owner."""

import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import pytest
from advanced_alchemy.exceptions import RepositoryError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.sql.compiler import SQLCompiler

from app.core.data.errors import DataError, OwnerNotBound, OwnershipError
from app.core.data.ownership import owned_session
from app.core.data.ownership.guard import bind_owner, everyone, session_of
from app.core.data.ownership.session import AppSession
from app.core.data.repository.repository import Repository
from app.core.data.sql.owner_compiler import OwnerCompiler
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import columns_of, owned_models
from app.testing.factories import factory_of
from tests.isolation.attacks import COUNTS, FORGED, POSTGRES_WRITES, READS, REFUSED, REPOSITORY, WRITES, Attack
from tests.isolation.attacks.answers import found
from tests.parts.resources import models

Sessions = async_sessionmaker[AppSession]
WRITTEN = WRITES | POSTGRES_WRITES
METHODS = {f"repository.{name}": attack for name, attack in REPOSITORY.items()}
ANSWERS_NO = (DataError, RepositoryError, SQLAlchemyError, NotImplementedError)  # SQLite has no DELETE ... USING

pytestmark = pytest.mark.hooks_alone


def attacks(table: dict[str, Attack]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("attack", [pytest.param(attack, id=name) for name, attack in table.items()])


@pytest.fixture
async def theirs(db: AppSession, model: type[Owned]) -> Owned:
    """A row of alice, stored between two rows of mallory."""
    factory = factory_of(model)
    owners = {1001: "mallory", 1002: "alice", 1003: "mallory"}
    rows = await factory.store_async([factory.build(user_id=owner, id=number) for number, owner in owners.items()])
    return rows[1]


@asynccontextmanager
async def session_of_mallory(sessions: Sessions) -> AsyncIterator[AppSession]:
    async with sessions() as session:
        bind_owner(session, "mallory")
        yield session
        session.expunge_all()


@contextmanager
def must_raise(error: type[Exception], name: str) -> Iterator[None]:
    try:
        yield
    except error:
        return
    pytest.fail(f"{name} raised nothing")


@pytest.fixture
async def mallory(sessions: Sessions) -> AsyncIterator[AppSession]:
    """A session of mallory."""
    async with session_of_mallory(sessions) as session:
        yield session


@pytest.fixture
async def unbound(sessions: Sessions) -> AsyncIterator[AppSession]:
    """A session without an owner."""
    async with sessions() as session:
        yield session
        session.expunge_all()


async def stored(db: AppSession, model: type[Owned]) -> list[Any]:
    """Return all stored rows of alice, in the order of their ids."""
    db.expunge_all()
    row_id, owner = columns_of(model)[:2]
    return list((await db.execute(select(*columns_of(model)).where(owner == "alice").order_by(row_id))).all())


@models
@attacks(WRITTEN | METHODS)
async def test_another_owners_row_is_neither_read_nor_changed(
    attack: Attack, model: type[Owned], theirs: Owned, mallory: AppSession, db: AppSession
) -> None:
    before = await stored(db, model)
    try:
        answer = await attack(mallory, model, theirs)
    except ANSWERS_NO:
        answer = None

    assert not reached(answer, theirs)
    assert await stored(db, model) == before


def reached(answer: Any, theirs: Owned) -> bool:
    return bool({theirs.id, "alice"} & set(found(answer)))


# What follows leaves all rows as they are, so that these rows serve all attacks of a kind, each in its own session.


@models
async def test_another_owners_row_is_not_read(
    model: type[Owned], theirs: Owned, sessions: Sessions, db: AppSession
) -> None:
    before, read = await stored(db, model), []
    for name, attack in (READS | COUNTS).items():
        async with session_of_mallory(sessions) as session:
            with suppress(*ANSWERS_NO):
                read += [name] if reached(await attack(session, model, theirs), theirs) else []

    assert not read, read
    assert await stored(db, model) == before


@pytest.mark.parametrize("model", owned_models()[-1:], ids=lambda model: model.__name__)  # it reads no table
async def test_a_session_without_an_owner_raises(
    model: type[Owned], theirs: Owned, sessions: Sessions, db: AppSession
) -> None:
    before = await stored(db, model)
    for name, attack in (READS | COUNTS | WRITTEN | REFUSED | FORGED | METHODS).items():
        answer = None
        is_plain = name in (READS | WRITES)
        async with sessions() as unbound:
            with must_raise(OwnerNotBound, name) if is_plain else suppress(*ANSWERS_NO):
                answer = await attack(unbound, model, theirs)
            unbound.expunge_all()
        assert not [part for part in found(answer) if part], name
        assert await stored(db, model) == before, name


@models
@pytest.mark.parametrize(
    ("refused", "error"), [(REFUSED, OwnershipError), (FORGED, SQLAlchemyError)], ids=["statements", "forged rows"]
)
async def test_what_could_reach_another_owner_is_refused(
    *,
    refused: dict[str, Attack],
    error: type[Exception],
    model: type[Owned],
    theirs: Owned,
    sessions: Sessions,
    db: AppSession,
) -> None:
    before = await stored(db, model)
    for name, attack in refused.items():
        async with session_of_mallory(sessions) as session:
            with must_raise(error, name):
                await attack(session, model, theirs)
        assert await stored(db, model) == before, name


@models
async def test_own_rows_are_still_found(model: type[Owned], theirs: Owned, sessions: Sessions) -> None:
    for name, attack in READS.items():
        async with session_of_mallory(sessions) as session:
            rows = list(found(await attack(session, model, theirs)))
        assert len(rows) >= 2 or name.startswith("get by id"), name


@models
async def test_counts_include_own_rows_only(model: type[Owned], theirs: Owned, sessions: Sessions) -> None:
    for name, attack in COUNTS.items():
        async with session_of_mallory(sessions) as session:
            assert list(found(await attack(session, model, theirs)))[-1] == 2, name


@models
@attacks({name: attack for name, attack in WRITES.items() if name.endswith(" all")})
async def test_own_rows_can_be_changed(
    attack: Attack, model: type[Owned], theirs: Owned, mallory: AppSession, db: AppSession
) -> None:
    before = (await db.execute(select(*columns_of(model)).where(columns_of(model)[1] == "mallory"))).all()
    await attack(mallory, model, theirs)
    after = (await db.execute(select(*columns_of(model)).where(columns_of(model)[1] == "mallory"))).all()

    assert not set(before) & set(after)


# Rules of the compiler and the session for rare statements; `test_shapes.py` removes the others.
RULES: dict[str, tuple[Any, str, Any, Attack]] = {
    "conditions are apart": (
        OwnerCompiler,
        "_generate_delimited_and_list",
        SQLCompiler._generate_delimited_and_list,
        WRITES["update where a lambda has an or"],
    ),
    "no other engine": (owned_session, "is_scoped", lambda _: True, REFUSED["another engine"]),
}


@models
@pytest.mark.any_database
@pytest.mark.parametrize("rule", RULES)
async def test_without_the_rule_an_attack_succeeds(
    *,
    rule: str,
    model: type[Owned],
    theirs: Owned,
    mallory: AppSession,
    db: AppSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place, name, instead, attack = RULES[rule]
    compiled: Any = mallory.get_bind()._compiled_cache  # type: ignore[union-attr]  # it knows statements with the rule
    before = await stored(db, model)
    monkeypatch.setattr(place, name, instead)
    compiled.clear()
    answer = await attack(mallory, model, theirs)
    compiled.clear()

    assert theirs.id in list(found(answer)) or await stored(db, model) != before


def test_every_public_coroutine_of_the_repository_is_attacked() -> None:
    public = {
        name for name, member in inspect.getmembers(Repository, inspect.iscoroutinefunction) if not name.startswith("_")
    }

    assert public == set(REPOSITORY)


async def test_the_owner_of_a_session_cannot_change(unbound: AppSession) -> None:
    bind_owner(unbound, "alice")
    bind_owner(unbound, "alice")

    with pytest.raises(OwnershipError):
        bind_owner(unbound, "mallory")
    with pytest.raises(OwnershipError):
        everyone(unbound)


@pytest.mark.parametrize("owner", ["", None, 1])
async def test_an_owner_is_a_string_that_is_not_empty(unbound: AppSession, owner: Any) -> None:
    with pytest.raises(TypeError):
        bind_owner(unbound, owner)


def test_a_request_without_a_caller_has_no_session() -> None:
    with pytest.raises(OwnerNotBound):
        session_of({})
