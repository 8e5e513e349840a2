"""The one form of errors: what it says, what it never says, and which status a failure has."""

import json
import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing, nullcontext
from functools import partial
from typing import Any, Literal

import psycopg
import pytest
from advanced_alchemy.exceptions import NotFoundError, RepositoryError, wrap_sqlalchemy_exception
from litestar import Litestar, route
from sqlalchemy import make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError

from app.asgi import create_app
from app.core.data.connection.engine import make_engine
from app.core.data.connection.failures import Failure, classify
from app.core.data.errors import RowNotFound
from app.core.data.ownership.session import AppSession
from app.core.data.repository.repository import Repository
from app.core.http.exception_handlers import EXCEPTION_HANDLERS
from app.testing.clients import Client, assert_error
from app.testing.databases import Databases, settings_for_tests
from app.testing.factories import factory_of
from tests.core.http.bodies import Resource, valid_body
from tests.parts.resources import every_resource, one_resource

HttpMethod = Literal["GET", "POST", "DELETE"]
MARKER = "zebra4711"


def raising(error: Exception, method: HttpMethod = "GET") -> Client:
    @route("/", http_method=method, status_code=200)
    async def fail() -> None:
        raise error

    handlers = EXCEPTION_HANDLERS
    return Client(Litestar([fail], exception_handlers=handlers, openapi_config=None, logging_config=None))


def of_postgres(sqlstate: str, statement: str = f"INSERT INTO {MARKER}") -> DBAPIError:
    return DBAPIError(statement, {"title": MARKER}, psycopg.errors.lookup(sqlstate)(MARKER))


def of_sqlite(code: int, statement: str = f"INSERT INTO {MARKER}") -> DBAPIError:
    error = sqlite3.Error(MARKER)
    error.sqlite_errorcode = code
    return DBAPIError(statement, {"title": MARKER}, error)


SQLSTATES = {
    409: ["23001", "23505", "23P01"],
    422: ["22001", "22003", "22021", "22P05", "23503"],
    503: ["08000", "08006", "08P01", "25006", "40001", "40P01", "53100", "53300", "55P03", "57014", "57P01", "57P03"],
    500: ["23502", "23514", "25001", "42501", "42601", "42P01", "0A000", "XX000"],
}
SQLITE_CODES = {
    409: [sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY],
    422: [
        sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_TOOBIG,
    ],
    503: [
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_BUSY_SNAPSHOT,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_READ,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_READONLY_DIRECTORY,
        sqlite3.SQLITE_READONLY_DBMOVED,
    ],
    500: [
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_CONSTRAINT_NOTNULL,
        sqlite3.SQLITE_CONSTRAINT_CHECK,
        sqlite3.SQLITE_CONSTRAINT_TRIGGER,
    ],
}
WITHOUT_A_CODE: list[tuple[int, SQLAlchemyError]] = [
    (503, PoolTimeout(MARKER)),
    (503, OperationalError(MARKER, None, psycopg.OperationalError(MARKER))),
    (503, InterfaceError(MARKER, None, psycopg.InterfaceError(MARKER))),
    (503, DBAPIError(MARKER, None, psycopg.Error(MARKER), connection_invalidated=True)),
    (409, StaleDataError(MARKER)),
    (422, DataError(MARKER, None, psycopg.DataError(MARKER))),
    (500, ProgrammingError(MARKER, None, psycopg.ProgrammingError(MARKER))),
    (500, ArgumentError(MARKER)),
    (500, SQLAlchemyError(MARKER)),
]
FAILURES = [
    *(pytest.param(status, of_postgres(state), id=state) for status, states in SQLSTATES.items() for state in states),
    *(
        pytest.param(status, of_sqlite(code), id=f"sqlite-{code}")
        for status, codes in SQLITE_CODES.items()
        for code in codes
    ),
    *(pytest.param(status, error, id=type(error).__name__) for status, error in WITHOUT_A_CODE),
]


@pytest.mark.parametrize("wrapped", [False, True], ids=["raw", "repository"])
@pytest.mark.parametrize(("status", "failure"), FAILURES)
async def test_a_failure_of_the_database_has_the_status_of_what_happened(
    status: int, failure: SQLAlchemyError, wrapped: bool, caplog: pytest.LogCaptureFixture
) -> None:
    error: Exception = failure
    if wrapped:
        with pytest.raises(RepositoryError) as caught, wrap_sqlalchemy_exception():
            raise failure
        error = caught.value

    answer = await raising(error).get("/")

    assert_error(answer, status)
    assert MARKER not in answer.text
    kind = classify(failure)
    waits = {Failure.AWAY: "1", Failure.BUSY: "1", Failure.READ_ONLY: "1", Failure.SLOW: "30"}
    assert answer.headers.get("retry-after") == waits.get(kind)
    logged = [r for r in caplog.records if r.name == "app.core.http.exception_handlers"]
    is_ours = status >= 500 or kind is Failure.INVALID  # a value that validation should have refused
    assert [(r.levelno, bool(r.exc_info)) for r in logged] == (
        [(logging.ERROR, kind is Failure.BUG)] if is_ours else []
    )


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    "key",
    [partial(of_postgres, "23503"), partial(of_sqlite, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY)],
    ids=["postgres", "sqlite"],
)
async def test_a_refused_foreign_key_is_a_409_to_a_delete_and_a_422_to_a_write(
    key: Callable[[str], DBAPIError], method: HttpMethod
) -> None:
    for statement, status in (("DELETE FROM t", 409), ("INSERT INTO t", 422), ("UPDATE t", 422)):
        answer = await raising(key(statement), method).request(method, "/")

        assert assert_error(answer, status).get("errors", [{"loc": ["body"]}])[0]["loc"] == ["body"]


@every_resource
async def test_a_row_that_is_there_already_is_a_409_on_either_database(db: AppSession, resource: Resource) -> None:
    factory = factory_of(resource.model)
    row = await factory.create_async(user_id="alice")
    twin = factory.build(user_id="alice", id=row.id)
    repository: type[Repository[Any]] = Repository.of(resource.model)
    db.expunge_all()

    with pytest.raises(RepositoryError) as caught:
        await repository(session=db).add(twin)

    assert_error(await raising(caught.value).get("/"), 409)


@pytest.mark.parametrize(
    ("error", "detail"), [(NotFoundError(MARKER), "Not Found"), (RowNotFound(type("Zebra", (), {})), "Zebra not found")]
)
async def test_what_is_not_there_is_a_404(error: Exception, detail: str) -> None:
    assert assert_error(await raising(error).get("/"), 404) == {"detail": detail}


async def test_a_repository_error_without_a_cause_is_a_500() -> None:
    assert_error(await raising(RepositoryError(MARKER)).get("/"), 500)


@pytest.mark.any_database
@one_resource
async def test_a_422_says_what_is_wrong_where(client: Client, resource: Resource) -> None:
    answer = await client.post(resource.path, json=await valid_body(client, resource) | {"nothing": 1})

    assert assert_error(answer, 422) == {
        "detail": "nothing: Extra inputs are not permitted",
        "errors": [{"loc": ["body", "nothing"], "msg": "Extra inputs are not permitted", "type": "extra_forbidden"}],
    }


@pytest.mark.any_database
@one_resource
@pytest.mark.parametrize(("wrong", "listed"), [(2, 2), (20, 20), (21, 20), (1000, 20)])
async def test_a_422_counts_all_that_is_wrong_and_lists_some(
    client: Client, resource: Resource, wrong: int, listed: int
) -> None:
    unknown = {f"nothing{i}": 1 for i in range(wrong)}
    answer = await client.post(resource.path, json=await valid_body(client, resource) | unknown)

    body = assert_error(answer, 422)
    assert body["detail"] == f"nothing0: Extra inputs are not permitted (+{wrong - 1} more)"
    assert len(body["errors"]) == listed


@pytest.mark.any_database
@one_resource
async def test_a_name_that_a_client_made_up_is_cut(client: Client, resource: Resource) -> None:
    name = "n" * 5_000
    in_body = await client.post(resource.path, json=await valid_body(client, resource) | {name: 1})
    in_query = await client.get(resource.path, params={name: "1"})

    for answer, place in ((in_body, "body"), (in_query, "query")):
        body = assert_error(answer, 422)
        assert body["errors"][0]["loc"] == [place, "n" * 100]
        assert len(answer.content) < 500


@pytest.mark.any_database
@one_resource
@pytest.mark.parametrize("raw", [f'{{"{MARKER}', f'{{"a": {MARKER}}}', f'"{MARKER}"', f'["{MARKER}"]', MARKER])
async def test_no_answer_repeats_a_body_that_cannot_be_read(client: Client, resource: Resource, raw: str) -> None:
    answer = await client.post(resource.path, content=raw, headers={"content-type": "application/json"})

    assert_error(answer, 422)
    assert MARKER not in answer.text


@pytest.mark.any_database
@one_resource
@pytest.mark.parametrize(
    "query", [f"limit={MARKER}", f"offset={MARKER}", f"nothing={MARKER}", f"limit=1&limit={MARKER}"]
)
async def test_no_answer_repeats_what_stands_in_the_query(client: Client, resource: Resource, query: str) -> None:
    answer = await client.get(f"{resource.path}?{query}")

    assert_error(answer, 422)
    assert MARKER not in answer.text


@pytest.mark.any_database
@one_resource
async def test_no_answer_repeats_the_path_or_the_content_type(client: Client, resource: Resource) -> None:
    answers = {
        404: await client.get(f"{resource.path}/{MARKER}"),
        405: await client.post(f"{resource.path}/4711", json={}),
        415: await client.post(resource.path, content=json.dumps({}), headers={"content-type": f"text/{MARKER}"}),
    }

    for status, answer in answers.items():
        assert_error(answer, status)
        assert MARKER not in answer.text
        assert "4711" not in answer.text


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_database_that_takes_no_changes_is_a_503_to_writers_and_serves_readers(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    databases = request.getfixturevalue("sqlite_databases" if kind == "sqlite" else "postgres")
    url = make_url(databases.fresh())
    read_only = {
        "sqlite": url.set(database=f"file:{url.database}", query={"mode": "ro", "uri": "true"}),
        "postgres": url.update_query_dict({"options": "-c default_transaction_read_only=on"}),
    }
    monkeypatch.setattr("app.asgi.configure_logging", lambda _: None)  # it would take the log away from the test
    app = create_app(settings_for_tests(read_only[kind].render_as_string(hide_password=False)))

    with closing(sqlite3.connect(url.database or "")) if kind == "sqlite" else nullcontext() as other:
        if other:  # a file that has been served
            other.execute("PRAGMA journal_mode=WAL")
        async with app.lifespan(), Client(app, "alice") as client:
            written = await client.post("/api/tasks", json={"title": "x"})
            read = await client.get("/api/tasks")

    assert assert_error(written, 503) == {"detail": "The database accepts no changes at the moment; try again later"}
    assert written.headers["retry-after"] == "1"
    assert (read.status_code, read.json()) == (200, [])
    (record,) = (r for r in caplog.records if r.name == "app.core.http.exception_handlers")
    assert record.getMessage().startswith("POST /api/tasks: the database is read-only: ")


# A rule that was added to a table, and the word that the log has to name it by.
RULES = {
    "sqlite": {"ADD COLUMN colour TEXT CHECK (colour IS NOT NULL)": "colour"},
    "postgresql": {
        "ADD COLUMN colour TEXT NOT NULL": "NotNullViolation tasks.colour",
        "ALTER project_id SET NOT NULL": "NotNullViolation tasks.project_id",
        "ADD CONSTRAINT is_short CHECK (length(title) < 3)": "CheckViolation tasks.is_short",
    },
}


async def test_a_rule_of_the_table_that_validation_does_not_know_is_our_bug(
    databases: Databases, capsys: pytest.CaptureFixture[str]
) -> None:
    """Old code on a newer schema: every create fails, and an alarm has to see it."""
    for change, name in RULES[make_url(databases.fresh()).get_backend_name()].items():
        url = databases.fresh()
        await alter_tasks(databases.for_owner(url), change)
        app = create_app(settings_for_tests(url))
        async with app.lifespan(), Client(app, "alice") as client:
            answer = await client.post("/api/tasks", json={"title": MARKER})

        assert assert_error(answer, 500) == {"detail": "Internal server error"}
        (line,) = [
            line for line in capsys.readouterr().err.splitlines() if "app.core.http.exception_handlers - ERROR" in line
        ]
        assert "POST /api/tasks: the database refuses a value that validation accepted: " in line
        assert name in line
        assert MARKER not in line


async def alter_tasks(owner_url: str, change: str) -> None:
    engine = make_engine(settings_for_tests(owner_url))
    async with engine.connect() as connection:
        await connection.exec_driver_sql(f"ALTER TABLE tasks {change}")
    await engine.dispose()


async def test_the_log_has_the_drivers_word_in_one_line_and_nothing_that_users_wrote(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gone = psycopg.errors.lookup("08006")("gone\nfor good")

    assert_error(await raising(DBAPIError("INSERT\nINTO tasks", {"title": MARKER}, gone)).get("/"), 503)

    (record,) = (r for r in caplog.records if r.name == "app.core.http.exception_handlers")
    assert record.getMessage() == "GET /: the database is away: gone for good"
