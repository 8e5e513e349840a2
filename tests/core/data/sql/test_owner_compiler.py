"""The compiler: every statement has its owner's condition, and a cached one never runs with another owner."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Dialect,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    column,
    delete,
    func,
    insert,
    null,
    select,
    table,
    tablesample,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import aliased, load_only

from app.core.data.errors import ForeignRow, OwnerNotBound, UnreachableStatement
from app.core.data.ownership.engines import OWNER_OPTION, scoped, unscoped
from app.core.data.ownership.guard import bind_owner, everyone
from app.core.data.ownership.session import AppSession
from app.core.data.sql.dialects import PostgresDialect, SqliteDialect, scoped_dialect
from app.projects.models import Project
from app.tasks.models import Task
from app.testing.factories import factory_of

TASK: Any = Task
PROJECT: Any = Project
TABLE: Any = Task.__table__
SUBQUERY = "(SELECT * FROM tasks WHERE tasks.user_id = ?)"

pytestmark = pytest.mark.hooks_alone


def written(statement: Any) -> str:
    dialect: Any = SqliteDialect
    return " ".join(str(statement.compile(dialect=scoped_dialect(dialect()))).split())


@pytest.mark.parametrize(
    ("statement", "sql"),
    [
        (select(TASK.id), f"SELECT tasks.id FROM {SUBQUERY} AS tasks"),
        (select(aliased(TASK, name="other").id), f"SELECT other.id FROM {SUBQUERY} AS other"),
        (select(TABLE.alias("a").alias("b").c.id), f"SELECT b.id FROM {SUBQUERY} AS b"),
        (
            select(func.count()).where(func.lower(TASK.title) == "x"),
            f"FROM {SUBQUERY} AS tasks WHERE lower(tasks.title) = ?",
        ),
        (TABLE.delete().where(TABLE.c.id == 1), "DELETE FROM tasks WHERE (tasks.id = ?) AND (tasks.user_id = ?)"),
        (
            update(TABLE).where(lambda: (TABLE.c.id == 1) | (TABLE.c.id == 2)).values(updated_at=TABLE.c.updated_at),
            "UPDATE tasks SET updated_at=tasks.updated_at WHERE (tasks.id = ? OR tasks.id = ?) AND (tasks.user_id = ?)",
        ),
        (insert(Project).values(name="x"), "INSERT INTO projects (user_id, name, archived, created_at, updated_at)"),
    ],
)
def test_sql(statement: Any, sql: str) -> None:
    assert sql in written(statement)


@pytest.mark.parametrize("dialect", [PostgresDialect, SqliteDialect])
def test_tablesample_of_an_owned_table_is_refused(dialect: type[Dialect]) -> None:
    sampled: Any = tablesample(TABLE, func.bernoulli(50))

    with pytest.raises(UnreachableStatement, match="TABLESAMPLE"):
        select(sampled.c.id).compile(dialect=scoped_dialect(dialect()))


def test_an_update_of_a_join_is_refused() -> None:
    joined: Any = TABLE.join(PROJECT.__table__, TABLE.c.project_id == PROJECT.__table__.c.id)

    with pytest.raises(UnreachableStatement, match="one table"):
        written(update(joined).values({TABLE.c.title: "x"}))


@pytest.fixture
async def two(db: AppSession, sessions: async_sessionmaker[AppSession]) -> AsyncIterator[tuple[AppSession, AppSession]]:
    """Sessions of alice and mallory, who have a project and a task each."""
    for user in ("alice", "mallory"):
        await factory_of(Task).create_async(user_id=user, title=f"of {user}")
        await factory_of(Project).create_async(user_id=user, name=f"of {user}")
    async with sessions() as alice, sessions() as mallory:
        bind_owner(alice, "alice")
        bind_owner(mallory, "mallory")
        yield alice, mallory


async def test_a_cached_statement_runs_for_each_owner_in_turn(
    two: tuple[AppSession, AppSession], db: AppSession, sessions: async_sessionmaker[AppSession]
) -> None:
    alice, mallory = two
    statement = select(TASK.title).order_by(TASK.title)
    for _ in range(3):
        assert (await alice.execute(statement)).scalars().all() == ["of alice"]
        assert (await db.execute(statement)).scalars().all() == ["of alice", "of mallory"]
        assert (await mallory.execute(statement)).scalars().all() == ["of mallory"]
        assert await alice.run(statement, {}) == [("of alice",)]
        assert await db.run(statement, {}) == [("of alice",), ("of mallory",)]
        async with sessions() as nobody:
            with pytest.raises(OwnerNotBound):
                await nobody.execute(statement)


@pytest.mark.parametrize("name", ["_owner", "owner"])
async def test_a_parameter_cannot_name_another_owner(two: tuple[AppSession, AppSession], name: str) -> None:
    _, mallory = two
    found = await mallory.execute(select(TASK.title), {name: "alice"}, execution_options={OWNER_OPTION: "alice"})
    assert found.scalars().all() == ["of mallory"]
    assert await mallory.run(select(TASK.title), {name: "alice"}) == [("of mallory",)]


class AlwaysAlice(TypeDecorator[str]):
    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str:
        return "alice"


@pytest.mark.parametrize("value", [bindparam("_owner", "alice"), bindparam("_owner", type_=AlwaysAlice())])
@pytest.mark.parametrize(
    "write", [lambda value: select(value, TASK.title), lambda value: update(TABLE).values(title=value)]
)
def test_a_bind_parameter_with_the_owners_name_is_refused(value: Any, write: Any) -> None:
    with pytest.raises(UnreachableStatement, match="_owner"):
        written(write(value))


def test_a_second_table_object_can_be_read_but_not_changed() -> None:
    """It could give columns other keys, and so hide a write to the owner or the id; a read is safe."""
    again = Table("TASKS", MetaData(), Column("id", Integer), Column("description", Text, key="user_id"))
    lightweight = table("tasks", column("id"), column("user_id"))
    for target in (again, lightweight):
        changes: list[Any] = [
            delete(target),
            update(target).values({target.c.id: 1}),
            insert(target).values({target.c.id: 1}),
        ]
        for statement in changes:
            with pytest.raises(UnreachableStatement, match="second Table object"):
                written(statement)
        assert SUBQUERY in written(select(target.c.id))


async def test_a_session_without_an_owner_cannot_name_one_in_parameters(
    two: tuple[AppSession, AppSession], sessions: async_sessionmaker[AppSession]
) -> None:
    async with sessions() as nobody:
        with pytest.raises(OwnerNotBound):
            await nobody.execute(select(TASK.title), {"_owner": "alice"})
        with pytest.raises(OwnerNotBound):
            await nobody.run(select(TASK.title), {"_owner": "alice"})
        assert (await nobody.execute(select(1))).scalar_one() == 1


async def test_a_row_may_be_loaded_without_its_owner_column(two: tuple[AppSession, AppSession]) -> None:
    _, mallory = two
    [row] = (await mallory.execute(select(Task).options(load_only(TASK.id)))).scalars()

    assert (await mallory.get(Task, row.id)) is row


async def test_insert_from_select_copies_own_rows_only(two: tuple[AppSession, AppSession], db: AppSession) -> None:
    alice, mallory = two
    copied = insert(PROJECT).from_select(["name", "archived"], select(TASK.title, TASK.completed))
    await mallory.execute(copied)

    async def names(session: AppSession) -> list[str]:
        return sorted((await session.execute(select(PROJECT.name))).scalars())

    assert await names(mallory) == ["of mallory", "of mallory"]
    assert await names(alice) == ["of alice"]
    build: Any = {"sqlite": sqlite_insert, "postgresql": postgres_insert}[db.dialect.name]
    for rows in (
        select(TASK.title, null(), TASK.completed).where(TASK.id > 0),
        select(TASK.title.label("a"), func.upper(TASK.title).label("a"), TASK.completed),
        union_all(*(select(TASK.title, TASK.title.label("b"), TASK.completed) for _ in range(2))),
    ):
        inserted = build(PROJECT).from_select(["name", "description", "archived"], rows)
        await mallory.execute(inserted.on_conflict_do_nothing())
    assert len(await names(mallory)) == 6
    assert await names(alice) == ["of alice"]
    with pytest.raises(ForeignRow):
        await mallory.execute(insert(PROJECT).from_select(["user_id", "name"], select(TASK.user_id, TASK.title)))


async def test_an_upsert_changes_own_rows_only(two: tuple[AppSession, AppSession], db: AppSession) -> None:
    """Also where the unique index spans the rows of all owners, as here."""
    alice, mallory = two
    await db.execute(update(PROJECT).values(name=func.replace(PROJECT.name, "of ", "")))
    await (await db.connection()).execute(text("CREATE UNIQUE INDEX everybodys_names ON projects (name)"))
    build: Any = {"sqlite": sqlite_insert, "postgresql": postgres_insert}[db.dialect.name]
    new = build(PROJECT).values(name=bindparam("name"))
    changed = {"description": "changed"}
    for name in ("alice", "mallory"):
        for where in (None, PROJECT.archived | ~PROJECT.archived, lambda: PROJECT.archived | ~PROJECT.archived):
            upsert = new.on_conflict_do_update(index_elements=["name"], set_=changed, where=where)
            await mallory.execute(upsert, {"name": name})

    for session, description in ((alice, None), (mallory, "changed")):
        assert (await session.execute(select(PROJECT.description))).scalars().all() == [description]
    for key in ("user_id", "id"):
        with pytest.raises(ForeignRow):
            await mallory.execute(
                new.on_conflict_do_update(index_elements=["name"], set_={key: "mallory"}), {"name": "mallory"}
            )


async def test_the_scoped_and_the_unscoped_engine_share_one_pool(sessions: async_sessionmaker[AppSession]) -> None:
    session = sessions()
    engine: Any = session.bind
    crossed: Any = everyone(session).bind

    assert engine.pool is crossed.pool
    assert scoped(engine) is engine
    assert unscoped(crossed) is crossed
    assert engine.dialect is scoped(crossed).dialect
    assert crossed.dialect is unscoped(engine).dialect
    assert engine.dialect is not crossed.dialect
