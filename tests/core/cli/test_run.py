"""`app run`: it serves, says where, stops when told to; and where it cannot serve it says why, in one line.

The processes are real ones. They start at the same time, because each of them takes seconds to import everything.
"""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import httpx
import pytest

from app.core.auth.tokens import issue_token
from app.core.cli.run import greet, prepare
from app.core.data.schema.migrations import downgrade, upgrade
from app.core.data.schema.revisions import pending
from app.testing.databases import SECRET, Databases, settings_for_tests
from tests.core.cli.conftest import Invoke
from tests.core.conftest import WriteMigration
from tests.parts.serving import NO_TLS, PATIENCE, free_port, serving, start, wait_until_served

ALICE: Final = {"Authorization": f"Bearer {issue_token('alice', SECRET.encode(), 3600)}"}


@dataclass(frozen=True)
class Outcome:
    """What came of a process: its answers while it served, what it printed, and how it ended."""

    port: int
    health: httpx.Response | None
    tasks: httpx.Response | None
    crowded: httpx.Response | None
    exit_code: int
    stdout: str
    stderr: str


def serve_and_stop(process: subprocess.Popen[str], port: int) -> Outcome:
    url = f"http://127.0.0.1:{port}"
    health = wait_until_served(process, f"{url}/health")
    tasks = httpx.get(f"{url}/api/tasks", headers=ALICE, verify=NO_TLS) if health else None
    crowded = httpx.get(f"{url}/health", headers=[("X", "y")] * 250, verify=NO_TLS) if health else None
    if health:
        process.send_signal(signal.SIGTERM)
    return outcome_of(process, port, health, tasks, crowded)


def outcome_of(
    process: subprocess.Popen[str],
    port: int,
    health: httpx.Response | None = None,
    tasks: httpx.Response | None = None,
    crowded: httpx.Response | None = None,
) -> Outcome:
    stdout, stderr = process.communicate(timeout=PATIENCE)
    return Outcome(port, health, tasks, crowded, process.returncode, stdout, stderr)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Outcome]]:
    """What came of three processes: with one worker, without a port, without a database."""
    folder, port = tmp_path_factory.mktemp("run"), free_port()
    with ExitStack() as stack:
        taken = stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
        processes = {
            "one": start(PORT=str(port), RATE_LIMIT="9/second", DATABASE_URL=f"sqlite:///{folder}/made/one.db"),
            "taken": start("--port", str(taken), DATABASE_URL=f"sqlite:///{folder}/taken.db"),
            "away": start("--port", str(free_port()), DATABASE_URL="postgresql://x:hunter2@127.0.0.1:1/x"),
        }
        for process in processes.values():
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield {
            "one": serve_and_stop(processes["one"], port),
            "taken": outcome_of(processes["taken"], taken),
            "away": outcome_of(processes["away"], 0),
            "folder": outcome_in(folder),
        }


def outcome_in(folder: Path) -> Outcome:
    return Outcome(0, None, None, None, 0, "\n".join(sorted(path.name for path in folder.rglob("*.db"))), "")


@pytest.fixture(scope="module")
def one(outcomes: dict[str, Outcome]) -> Outcome:
    return outcomes["one"]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What came of a process with two workers."""
    port = free_port()
    process = start(
        *("--port", str(port), "--host", "localhost", "--root-path", "/backend/"),
        WEB_CONCURRENCY="2",
        HOST="192.0.2.1",  # an address of nobody's: what is given comes first
        RATE_LIMIT="9/second",
        DATABASE_URL=f"sqlite:///{tmp_path_factory.mktemp('run')}/two.db",
    )
    try:
        return serve_and_stop(process, port)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=["one", pytest.param("two", marks=pytest.mark.slow)])
def served(request: pytest.FixtureRequest) -> Outcome:
    """What came of one worker, and of two."""
    outcome: Outcome = request.getfixturevalue(request.param)
    return outcome


def test_it_serves_on_a_database_that_was_not_there_and_stops_in_order_when_told_to(served: Outcome) -> None:
    assert served.health is not None, served.stderr
    assert served.tasks is not None
    assert served.health.json() == {"status": "ok"}
    assert (served.tasks.status_code, served.tasks.json()) == (200, [])
    assert served.exit_code == 0
    assert "Application shutdown complete" in served.stderr
    assert "Traceback" not in served.stderr
    assert "server" not in served.health.headers


@pytest.mark.slow
def test_it_serves_on_a_unix_socket_and_leaves_no_file(tmp_path: Path) -> None:
    """It listens before it is ready: whoever asks by then waits."""
    path = tmp_path / "app.sock"
    with start("--uds", str(path), DATABASE_URL=f"sqlite:///{tmp_path}/unix.db") as process:
        deadline = time.monotonic() + PATIENCE
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path), verify=NO_TLS), timeout=PATIENCE) as client:
            health = client.get("http://here/health")
        process.send_signal(signal.SIGTERM)
        stdout, _ = process.communicate(timeout=PATIENCE)

    assert health.json() == {"status": "ok"}
    assert f"unix:{path}/schema" in stdout
    assert process.returncode == 0
    assert not path.exists()


def test_the_limits_on_a_requests_head_hold(served: Outcome) -> None:
    assert served.crowded is not None
    assert served.crowded.status_code == 431


def test_it_says_where_the_docs_are_where_the_rows_are_and_how_to_get_a_token(one: Outcome) -> None:
    environment, docs, database, token = one.stdout.splitlines()

    assert environment == "APP_ENV:  development (set production where others can reach it)"
    assert docs.endswith(f" http://127.0.0.1:{one.port}/schema")
    assert re.search(r" sqlite\S*:///\S+/made/one\.db$", database)
    assert token.endswith(" app token alice")


@pytest.mark.slow
def test_it_says_so_once_for_all_workers(two: Outcome) -> None:
    assert two.stdout.count("Docs:") == 1
    assert f"http://localhost:{two.port}/backend/schema\n" in two.stdout


@pytest.mark.slow
def test_as_many_processes_serve_as_were_asked_for_and_none_stays(two: Outcome) -> None:
    workers = set(re.findall(r"Started server process \[(\d+)\]", two.stderr))

    assert len(workers) == 2
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(int(worker), 0)


def test_every_line_of_the_log_has_the_one_form(served: Outcome) -> None:
    for line in served.stderr.splitlines():
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - [\w.]+ - (INFO|WARNING) - \S", line), line


def test_a_port_that_is_taken_is_one_line_and_nothing_is_made(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["taken"]

    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert outcome.stderr == (
        f"Error: cannot listen on 127.0.0.1:{outcome.port}: Address already in use; choose another --host or --port\n"
    )
    assert outcomes["folder"].stdout.splitlines() == ["one.db"]


def test_a_database_that_is_away_is_one_line_without_the_password(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["away"]

    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith("Error: the database cannot be reached; check DATABASE_URL: ")
    assert outcome.stderr.count("\n") == 1
    assert "hunter2" not in outcome.stderr


def test_a_host_that_is_not_ours_is_one_line(invoke: Invoke) -> None:
    result = invoke("run", "--host", "host.invalid")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: cannot listen on host.invalid:8000: ")
    assert result.stderr.count("\n") == 1


def test_an_address_that_is_taken_is_written_as_a_url_has_it(invoke: Invoke) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]

        assert invoke("run", "--host", "::1", "--port", str(port)).stderr.startswith(
            f"Error: cannot listen on [::1]:{port}: "
        )


def test_a_bad_setting_is_one_line(invoke: Invoke) -> None:
    result = invoke("run", LOG_LEVEL="zebra")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: LOG_LEVEL should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'\n"


def test_a_storage_without_its_client_is_one_line_and_not_one_for_each_worker(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.http.rate_limit.setup.find_spec", lambda _: None)

    result = invoke("run", "--workers", "2", RATE_LIMIT_STORAGE="redis://localhost")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: RATE_LIMIT_STORAGE is set, ")
    assert result.stderr.count("\n") == 1


def test_certificates_that_cannot_be_used_are_one_line_before_anything_is_made(invoke: Invoke, database: Path) -> None:
    stock = {"BETTER_AUTH_SECRET": "", "BETTER_AUTH_URL": "http://localhost:3000"}

    result = invoke("run", "--workers", "2", SSL_CERT_FILE="/zebra.pem", **stock)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: SSL_CERT_FILE names a file that cannot be used; correct the path, or unset it\n"
    assert not database.exists()


COUNTS_ALONE = "workers counts requests for itself"


def test_one_worker_counts_all_requests(one: Outcome) -> None:
    assert COUNTS_ALONE not in one.stderr


@pytest.mark.slow
def test_workers_that_count_for_themselves_are_told_of_once(two: Outcome) -> None:
    assert two.stderr.count(COUNTS_ALONE) == 1


def test_production_does_not_start_without_a_secret(invoke: Invoke) -> None:
    result = invoke("run", APP_ENV="production", BETTER_AUTH_SECRET="")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: BETTER_AUTH_SECRET is required in production; ")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--reload", "--workers", "2"], id="reload and workers"),
        pytest.param(["--workers", "0"], id="no workers"),
        pytest.param(["--port", "65536"], id="no such port"),
        pytest.param(["--port", "http"], id="port by name"),
        pytest.param(["--keep-alive", "0"], id="no keep-alive"),
        pytest.param(["--root-path", "backend"], id="path without its slash"),
        pytest.param(["--root-path", "/<script>"], id="path that is none"),
        pytest.param(["--uds", "x.sock", "--port", "80"], id="socket and port"),
        pytest.param(["--uds", "x.sock", "--host", "::"], id="socket and host"),
        pytest.param(["here"], id="an argument"),
    ],
)
def test_options_that_make_no_sense_are_refused(invoke: Invoke, arguments: list[str]) -> None:
    result = invoke("run", *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith("Error: ")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://alice:hunter2@db.example/app",
        "postgres://alice:hunter2@db.example/app?sslmode=require",
        "postgresql://alice@db.example/app?password=hunter2",
        "postgresql:///app?host=db.example&user=alice&password=hunter2",
    ],
)
def test_the_greeting_names_the_database_without_a_password(capsys: pytest.CaptureFixture[str], url: str) -> None:
    greet(settings_for_tests(url), "http://127.0.0.1:8000")

    shown = capsys.readouterr().out
    assert "/app\n" in shown
    assert "hunter2" not in shown


def test_the_greeting_of_production_says_so_and_recommends_no_tokens_of_our_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = settings_for_tests("sqlite:///a.db", app_env="production", allowed_hosts="*", better_auth_secret=SECRET)
    greet(settings, "http://127.0.0.1:8000")

    shown = capsys.readouterr().out
    assert shown.startswith("APP_ENV:  production\n")
    assert shown.endswith("A token:  HS256, signed with BETTER_AUTH_SECRET\n")


def test_the_greeting_sends_to_better_auth_where_that_signs(capsys: pytest.CaptureFixture[str]) -> None:
    settings = settings_for_tests("sqlite:///a.db", better_auth_secret=None, better_auth_url="http://localhost:3000")
    greet(settings, "http://127.0.0.1:8000")

    assert capsys.readouterr().out.endswith("A token:  GET /api/auth/token, at Better Auth\n")


def test_only_sqlite_is_migrated_by_itself(databases: Databases) -> None:
    settings = settings_for_tests(databases.for_owner(databases.fresh()))
    prepare(settings)
    downgrade(settings, "base")

    if settings.database_url.get_secret_value().startswith("sqlite"):
        prepare(settings)
        assert pending(settings) == []
    else:
        with pytest.raises(click.ClickException, match=r"lacks the migrations 0001.*run `app migrate` first$"):
            prepare(settings)
        assert pending(settings) != []


@pytest.mark.slow
def test_this_version_serves_on_the_schema_of_the_next(
    databases: Databases, write_migration: WriteMigration, tmp_path: Path
) -> None:
    url = databases.fresh()
    write_migration("0099", "op.add_column('tasks', sa.Column('colour', sa.Text()))")
    upgrade(settings_for_tests(databases.for_owner(url)))

    bearer = {"Authorization": f"Bearer {issue_token('alice', SECRET.encode(), 60)}"}
    with (
        serving(url, tmp_path / "log") as server,
        httpx.Client(base_url=server.url, headers=bearer, verify=NO_TLS) as client,
    ):
        made = client.post("/api/tasks", json={"title": "Buy milk"})
        ready = client.get("/health/ready")

    assert (made.status_code, ready.status_code) == (201, 200)
    assert "WARNING - the database is newer than this version, which lacks the migration 0099" in server.log
