"""A dump is all there is, it is the same from both databases, and what it cannot hold is refused as a whole."""

import json
import tracemalloc
from collections.abc import Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.data.connection.engine import make_engine, snapshot_of
from app.core.data.errors import InvalidDump
from app.core.data.ownership.guard import bind_owner
from app.core.data.ownership.session import AppSession
from app.core.data.transfer.dumps import dump_rows, load_rows
from app.projects.models import Project
from app.tasks.models import Task
from app.testing.databases import Databases, PostgresDatabases, SqliteDatabases, settings_for_tests
from tests.parts.dumps import MOMENTS, SMALLEST, WRITTEN, dumped, fill, line, opened


async def loaded(url: str, lines: Sequence[bytes]) -> dict[str, int]:
    async with opened(url) as session:
        return await load_rows(session, lines)


async def test_from_sqlite_to_postgres_and_back_every_byte_stays(
    sqlite_databases: SqliteDatabases, postgres: PostgresDatabases
) -> None:
    here, there, back = sqlite_databases.fresh(), postgres.fresh(), sqlite_databases.fresh()
    await fill(here)
    lines = await dumped(here)

    counts = await loaded(there, lines)
    again = await dumped(there)
    await loaded(back, again)

    assert counts == {"projects": 2, "tasks": 2 + len(MOMENTS)}
    assert len(lines) == sum(counts.values())
    assert again == lines
    assert await dumped(back) == lines


async def test_a_dump_has_every_value_as_it_was_stored(databases: Databases) -> None:
    url = databases.for_owner(databases.fresh())
    await fill(url)
    rows = [json.loads(line) for line in await dumped(url)]

    (project, _) = (found["row"] for found in rows if found["table"] == "projects")
    assert (project["id"], project["name"], project["description"]) == (SMALLEST, WRITTEN, None)
    times = {found["row"]["id"]: found["row"]["created_at"] for found in rows if found["table"] == "tasks"}
    assert times[0] == times[3] == "2026-01-02T03:04:05.678901Z"
    assert times[1] == "2026-01-02T03:04:05Z"
    assert times[5] == "0001-01-01T00:00:00Z"


async def test_the_next_row_gets_an_id_behind_those_that_were_loaded(databases: Databases) -> None:
    url = databases.for_owner(databases.fresh())
    await loaded(url, [line(id=7), line(id=41)])

    async with opened(url) as session:
        assert (await session.insert_row(Project, {"user_id": "bob", "name": "n"}))[0] == 42


@pytest.mark.parametrize("row_id", [-5, 0])
async def test_ids_below_one_leave_the_counting_alone(databases: Databases, row_id: int) -> None:
    url = databases.for_owner(databases.fresh())
    await loaded(url, [line(id=row_id)])

    async with opened(url) as session:
        assert (await session.insert_row(Project, {"user_id": "bob", "name": "n"}))[0] > 0


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        pytest.param(b"nonsense", "line 2: JSON is malformed", id="no JSON"),
        pytest.param(b"\n", "line 2: ", id="an empty line"),
        pytest.param(b"[]", "line 2: Expected `object`, got `array`", id="no object"),
        pytest.param(b'{"table": "tasks"}', "line 2: Object missing required field `row`", id="no row"),
        pytest.param(b'{"table":"tasks","row":' + b"[" * 99999, "line 2: ", id="nested"),
        pytest.param(line("ghosts"), "line 2: there is no table 'ghosts'", id="unknown table"),
        pytest.param(line(ghost=1), "line 2: projects: Object contains unknown field `ghost`", id="unknown column"),
        pytest.param(line().replace(b'"archived": false, ', b""), "missing required field `archived`", id="missing"),
        pytest.param(line(id="2"), "line 2: projects: Expected `int`, got `str` - at `$.id`", id="wrong type"),
        pytest.param(line(archived=1), "Expected `bool`, got `int` - at `$.archived`", id="number for bool"),
        pytest.param(line(name=None), "Expected `str`, got `null` - at `$.name`", id="null"),
        pytest.param(line(id=2**63), "at `$.id`", id="too large a number"),
        pytest.param(line(name="n" * 201), "length <= 200 - at `$.name`", id="too long"),
        pytest.param(line(name="a\x00b"), "at `$.name`", id="NUL"),
        pytest.param(line(name="\udcff"), "line 2: ", id="half a character"),
        pytest.param(line(created_at="2026-01-02T03:04:05"), "at `$.created_at`", id="a naive time"),
        pytest.param(line(created_at="0001-01-01T00:00:00+14:00"), "line 2: ", id="a time before time"),
        pytest.param(line().replace(b'"n"', b'"\xff"'), "line 2: ", id="no UTF-8"),
    ],
)
async def test_a_line_that_cannot_be_stored_is_named_and_nothing_is_stored(
    databases: Databases, bad: bytes, words: str
) -> None:
    url = databases.for_owner(databases.fresh())

    with pytest.raises(InvalidDump) as refused:
        await loaded(url, [line(id=1), bad, line(id=3)])

    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert await dumped(url) == []


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([line(id=1), line(id=1)], id="the same id twice"),
        pytest.param(
            [line("tasks", title="t", completed=False, project_id=9).replace(b'"name": "n", ', b"").replace(
                b'"archived": false, ', b"")],
            id="a reference to nothing",
        ),
    ],
)  # fmt: skip
async def test_what_the_database_refuses_leaves_nothing(databases: Databases, lines: list[bytes]) -> None:
    url = databases.for_owner(databases.fresh())

    with pytest.raises(DBAPIError):
        await loaded(url, lines)

    assert await dumped(url) == []


async def test_a_bad_line_takes_back_what_was_on_its_way(databases: Databases) -> None:
    url = databases.for_owner(databases.fresh())

    with pytest.raises(InvalidDump, match="line 3001: "):
        await loaded(url, [*(line(id=number) for number in range(1, 3001)), b"nonsense"])

    assert await dumped(url) == []


async def test_a_table_that_has_rows_is_not_loaded_into(databases: Databases) -> None:
    url = databases.for_owner(databases.fresh())
    await loaded(url, [line(id=1)])
    before = await dumped(url)

    with pytest.raises(InvalidDump, match="projects has rows already"):
        await loaded(url, [line(id=2)])

    assert await dumped(url) == before


async def test_rows_may_refer_to_later_rows_of_their_table(databases: Databases) -> None:
    """As a dump of a tree can: it is in the order of ids."""
    url = databases.for_owner(databases.fresh())
    async with opened(url) as session:
        table = str(Task.__tablename__)
        if session.get_bind().dialect.name == "postgresql":
            await session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT fk_{table}_user_id_project_id"))
            key = f"FOREIGN KEY (user_id, project_id) REFERENCES {table} (user_id, id)"
            await session.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT self {key}"))
        else:
            await session.execute(text("PRAGMA writable_schema = ON"))
            change = "sql = replace(sql, 'REFERENCES projects', 'REFERENCES tasks')"
            await session.execute(text(f"UPDATE sqlite_master SET {change} WHERE name = '{table}'"))
    rows = [{"id": number, "user_id": "alice", "project_id": other} for number, other in ((1, 2), (2, None))]
    rest = {"title": "t", "description": None, "completed": False}
    times = dict.fromkeys(("created_at", "updated_at"), "2026-01-02T03:04:05Z")
    lines = [json.dumps({"table": "tasks", "row": row | rest | times}).encode() for row in rows]

    assert await loaded(url, lines) == {"tasks": 2}


async def test_a_snapshot_is_of_one_moment_and_lets_others_write(databases: Databases) -> None:
    url = databases.for_owner(databases.fresh())
    await loaded(url, [line(id=number) for number in (1, 2)])

    async with opened(url, snapshot=True) as reader, opened(url) as writer:
        rows = dump_rows(reader)
        first = await anext(rows)
        await writer.insert_row(Task, {"user_id": "alice", "title": "later"})
        await writer.insert_row(Project, {"user_id": "alice", "name": "later"})
        found = [first, *[row async for row in rows]]

    assert [(row.table, row.row["id"]) for row in found] == [("projects", 1), ("projects", 2)]
    assert len(await dumped(url)) == 4


@pytest.mark.quick_on("sqlite", "postgres")
async def test_only_a_batch_of_it_is_in_memory(databases: Databases) -> None:
    url = databases.for_owner(databases.fresh())
    numbers = "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 8000) SELECT n FROM s"
    async with opened(url) as session:
        columns, values = "user_id, title, description", f"'alice', 'title', '{'x' * 1000}'"
        await session.execute(text(f"INSERT INTO tasks ({columns}) SELECT {values} FROM ({numbers}) AS numbers"))

    async with opened(url, snapshot=True) as session:
        rows = dump_rows(session)
        tracemalloc.start()
        await anext(rows)
        if session.dialect.name == "postgresql":  # or libpq would have all of it, which Python does not count
            assert (await session.execute(text("SELECT count(*) FROM pg_cursors"))).scalar_one() == 1
        dumped = [len(row.line()) async for row in rows]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert len(dumped) == 7999
    assert peak < sum(dumped) / 2


async def test_the_owner_of_a_snapshot_is_held_like_any(databases: Databases) -> None:
    url = databases.fresh()
    await loaded(databases.for_owner(url), [line(id=1), line(id=2, user_id="bob")])
    engine: AsyncEngine = make_engine(settings_for_tests(url))
    async with AppSession(snapshot_of(engine)) as session:
        bind_owner(session, "bob")
        assert [row.row["id"] async for row in dump_rows(session)] == [2]
    await engine.dispose()
