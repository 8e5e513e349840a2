"""A person's rows: all of them are counted, exported and erased, in every table, and nobody else's."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlmodel import SQLModel, col

from app.core.data.connection.engine import make_engine
from app.core.data.errors import NotAtomic, OwnershipError
from app.core.data.ownership.guard import bind_owner, everyone
from app.core.data.ownership.session import AppSession
from app.core.data.schema.quoting import quoted
from app.core.data.tables.cycles import cycle_breaking_keys
from app.core.data.tables.registry import columns_of, owned_models, sorted_owned_models
from app.core.data.transfer.account import count_rows, erase_rows, export_rows
from app.core.data.transfer.read import TableRow
from app.testing.counting import count_statements
from app.testing.databases import Databases, settings_for_tests
from app.testing.factories import factory_of, stored_through
from tests.isolation.attacks import references_of
from tests.parts.dumps import store_person

ALICE = "alice"
LOOK_ALIKES = [
    "Alice",
    "ALICE",
    "alice%",
    "a_ice",
    "alic",
    "alice2",
    " alice",
    "alice ",
    "älice",
    "a\u0308lice",
    "%",
    "bob",
]
NAMES = [str(model.__tablename__) for model in sorted_owned_models()]

LEDGER = "CREATE TABLE ledger (owner TEXT, entry BIGINT, FOREIGN KEY (owner, entry)"

Sessions = async_sessionmaker[AppSession]


@asynccontextmanager
async def serving(sessions: Sessions, user_id: str) -> AsyncIterator[AppSession]:
    async with sessions() as session:
        bind_owner(session, user_id)
        yield session


async def exported(sessions: Sessions, user_id: str, **options: Any) -> list[TableRow]:
    async with serving(sessions, user_id) as session, session.atomic():
        return [found async for found in export_rows(session, **options)]


async def erased(sessions: Sessions, user_id: str) -> dict[str, int]:
    async with serving(sessions, user_id) as session:
        return await erase_rows(session)


async def all_rows(db: AppSession) -> dict[str, Sequence[Any]]:
    """Every owned row of everyone, by table."""
    return {
        str(model.__tablename__): (await db.execute(select(*columns_of(model)).order_by(col(model.id)))).all()
        for model in owned_models()
    }


def test_a_table_comes_behind_those_that_it_refers_to() -> None:
    assert set(sorted_owned_models()) == set(owned_models())
    ahead = {key.column_keys[-1] for key in cycle_breaking_keys(SQLModel.metadata.tables)}
    for model in sorted_owned_models():
        for column, target in references_of(model).items():
            assert column in ahead or NAMES.index(target) <= NAMES.index(str(model.__tablename__))


async def test_an_export_is_every_row_of_every_table_as_it_is_stored(db: AppSession, sessions: Sessions) -> None:
    await store_person("bob", 2)
    await store_person(ALICE, 2)
    stored = await all_rows(db)

    found = await exported(sessions, ALICE)

    assert [row.table for row in found] == [name for name in NAMES for _ in range(2)]
    for name in NAMES:
        mine = [dict(row._mapping) for row in stored[name] if row.user_id == ALICE]
        assert [row.row for row in found if row.table == name] == mine


async def test_a_row_comes_behind_the_rows_that_it_refers_to(db: AppSession, sessions: Sessions) -> None:
    await store_person(ALICE)
    targets = {str(model.__tablename__): references_of(model) for model in owned_models()}
    seen: set[tuple[str, int]] = set()

    for found in await exported(sessions, ALICE):
        wanted = {(table, found.row[column]) for column, table in targets[found.table].items()}
        assert {target for target in wanted if target[1]} <= seen
        seen.add((found.table, found.row["id"]))

    assert any(targets.values())


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5])
async def test_more_rows_than_a_batch_come_once_each_in_the_order_of_their_ids(
    db: AppSession, sessions: Sessions, rows: int
) -> None:
    await store_person("bob")
    await store_person(ALICE, rows)

    found = await exported(sessions, ALICE, batch=2)

    assert Counter(row.table for row in found) == dict.fromkeys(NAMES, rows)
    for before, after in pairwise(found):
        assert before.table != after.table or before.row["id"] < after.row["id"]


async def test_a_table_is_one_statement_and_who_has_seen_enough_may_go(
    db: AppSession, sessions: Sessions, isolated_engine: AsyncEngine
) -> None:
    await store_person(ALICE, 5)

    async with serving(sessions, ALICE) as session, session.atomic():
        with count_statements(isolated_engine) as statements:
            rows = export_rows(session, batch=2)
            taken = [await anext(rows) for _ in range(3)]
            await rows.aclose()  # type: ignore[attr-defined]  # a generator has it
        assert sum((await count_rows(session)).values()) == 5 * len(NAMES)

    assert len(taken) == 3
    assert len([statement for statement in statements if statement.startswith("SELECT")]) == 1


async def test_an_export_needs_a_transaction(db: AppSession, sessions: Sessions) -> None:
    async with serving(sessions, ALICE) as session:
        with pytest.raises(NotAtomic):
            await anext(export_rows(session))


async def test_ids_that_are_not_positive_are_exported_as_well(db: AppSession, sessions: Sessions) -> None:
    stored: set[str] = set()
    for model in sorted_owned_models():
        factory: Any = factory_of(model)
        references = {column: 7 if target in stored else None for column, target in references_of(model).items()}
        for row_id in (-3, 0, 7):
            await factory.create_async(user_id=ALICE, id=row_id, **references)
        stored.add(str(model.__tablename__))

    found = await exported(sessions, ALICE, batch=1)

    assert [row.row["id"] for row in found] == [-3, 0, 7] * len(NAMES)


async def test_times_are_aware_and_in_utc(db: AppSession, sessions: Sessions) -> None:
    await store_person(ALICE)

    times = [v for row in await exported(sessions, ALICE) for v in row.row.values() if isinstance(v, datetime)]

    assert times
    assert {time.tzinfo for time in times} == {UTC}


async def test_counts_are_of_all_tables_and_of_the_persons_rows(db: AppSession, sessions: Sessions) -> None:
    await store_person("bob", 3)
    await store_person(ALICE, 2)

    async with serving(sessions, ALICE) as session:
        assert list((await count_rows(session)).items()) == [(name, 2) for name in NAMES]
    async with serving(sessions, "carol") as session:
        assert await count_rows(session) == dict.fromkeys(NAMES, 0)


async def test_erasing_leaves_nothing_of_the_person_and_all_of_the_others(db: AppSession, sessions: Sessions) -> None:
    for user_id in (*LOOK_ALIKES, ALICE, ALICE):
        await store_person(user_id)
    before = await all_rows(db)

    counts = await erased(sessions, ALICE)

    assert list(counts.items()) == [(name, 2) for name in reversed(NAMES)]
    after = await all_rows(db)
    for name in NAMES:
        assert after[name] == [row for row in before[name] if row.user_id != ALICE]
        assert len(after[name]) == len(LOOK_ALIKES)


@pytest.mark.parametrize("user_id", LOOK_ALIKES)
async def test_who_looks_like_the_person_has_none_of_the_rows(db: AppSession, sessions: Sessions, user_id: str) -> None:
    await store_person(ALICE)
    before = await all_rows(db)

    assert await exported(sessions, user_id) == []
    assert await erased(sessions, user_id) == dict.fromkeys(NAMES, 0)
    assert await all_rows(db) == before


async def test_erasing_twice_finds_nothing_the_second_time(db: AppSession, sessions: Sessions) -> None:
    await store_person(ALICE)

    await erased(sessions, ALICE)

    assert await erased(sessions, ALICE) == dict.fromkeys(NAMES, 0)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Sessions]:
    engine = make_engine(settings_for_tests(url))
    yield async_sessionmaker(engine, class_=AppSession, expire_on_commit=False)
    await engine.dispose()


async def test_where_one_row_cannot_be_deleted_all_stay(databases: Databases) -> None:
    url = databases.fresh()
    last = quoted(NAMES[0])  # its rows are the last to go
    async with opened(databases.for_owner(url)) as owners, opened(url) as sessions, owners() as db:
        with stored_through(everyone(db)):
            await store_person(ALICE, 2)
        before = await all_rows(db)
        await db.execute(text(f"{LEDGER} REFERENCES {last} (user_id, id))"))
        await db.execute(text(f"INSERT INTO ledger SELECT user_id, max(id) FROM {last} GROUP BY user_id"))

        with pytest.raises(IntegrityError):
            await erased(sessions, ALICE)
        refused = await all_rows(db)
        await db.execute(text("DROP TABLE ledger"))
        await erased(sessions, ALICE)

        assert refused == before
        assert not any((await all_rows(db)).values())


@pytest.mark.parametrize("serves_everyone", [True, False], ids=["everyone", "nobody"])
async def test_a_session_that_serves_no_single_person_is_refused(
    db: AppSession, sessions: Sessions, serves_everyone: bool
) -> None:
    await store_person(ALICE)
    before = await all_rows(db)

    async with sessions() as session:
        if serves_everyone:
            everyone(session)
        for work in (count_rows(session), erase_rows(session), anext(export_rows(session))):
            with pytest.raises(OwnershipError, match="one user"):
                await work

    assert await all_rows(db) == before
