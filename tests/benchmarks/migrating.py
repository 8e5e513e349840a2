"""What those who read and write notice of a migration of a large table: nothing, if all is well.

    uv run python -m tests.benchmarks.migrating
    uv run python -m tests.benchmarks.migrating --rows 200000 --rate 50

An application serves while each kind of change is made by a process of its own. `slowest` are the longest answers to
writes and reads meanwhile, in ms; the first line is of no change at all, which is what the machine itself does.
With `(report)`, a transaction that reads the table is open for ten seconds.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import indent
from typing import Final

import click
import psycopg

from app.core.data.schema import configuration
from app.core.data.schema.migrations import upgrade
from app.core.data.schema.running.backoff import Backoff
from app.settings import MIGRATIONS_DIR
from app.testing.databases import postgres_databases, settings_for_tests
from tests.benchmarks.workload import Population
from tests.parts.serving import serving

CLIENTS: Final = 8
REPORT: Final = 10.0  # seconds
AROUND: Final = 1.0  # seconds before and after a migration


def _online(*operations: str) -> str:
    return "with op.online():\n" + indent("\n".join(operations), "    ")


def _batch(operation: str) -> str:
    return f"with op.batch_alter_table('tasks') as batch_op:\n    batch_op.{operation}"


_ADD: Final = "op.add_column('tasks', sa.Column({!r}, {}))"
_KEY: Final = "create_foreign_key({!r}, 'projects', ['user_id', {!r}], ['user_id', 'id'])"
CHANGES: Final = {
    "nothing": "op.execute('SELECT pg_sleep(5)')",
    "column": _ADD.format("colour", "sa.Text()"),
    "column (report)": _ADD.format("size", "sa.Text()"),
    "required column with default": _ADD.format("stars", "sa.Integer(), server_default='3', nullable=False"),
    "index": _online("op.create_index('ix_tasks_title', 'tasks', ['user_id', 'title'])"),
    "index (report)": _online("op.create_index('ix_tasks_done', 'tasks', ['user_id', 'completed'])"),
    "unique": _online(_batch("create_unique_constraint('uq_tasks_title', ['user_id', 'title', 'id'])")),
    "reference, new: its column": _ADD.format("other_id", "sa.BigInteger()"),
    "reference, new": _online(
        "op.create_index('ix_tasks_other', 'tasks', ['user_id', 'other_id'])",
        _batch(_KEY.format("fk_tasks_other", "other_id")),
        "op.clear_on_delete('tasks', 'other_id', 'projects', changed_at='updated_at')",
    ),
    "reference, dropped": _online(_batch("drop_constraint('fk_tasks_user_id_project_id', type_='foreignkey')")),
    "reference, on a column with values": _online(_batch(_KEY.format("fk_tasks_user_id_project_id", "project_id"))),
    "required after a fill": _online(
        "op.alter_column('tasks', 'colour', server_default='red', existing_type=sa.Text())",
        "op.fill_empty('tasks', 'colour', 'red')",
        "op.alter_column('tasks', 'colour', nullable=False, existing_type=sa.Text())",
    ),
    "check": _online(_batch("create_check_constraint('stars', sa.column('stars') > 0)")),
    "check (report)": _online(_batch("create_check_constraint('stars2', sa.column('stars') > 1)")),
    "column dropped": "op.drop_column('tasks', 'size')",
    "column renamed": "op.alter_column('tasks', 'colour', new_column_name='hue')",
    "index dropped": _online("op.drop_index('ix_tasks_title', 'tasks')"),
    "text made longer": "op.alter_column('tasks', 'title', type_=sa.String(300), existing_type=sa.String(200))",
}


@click.command()
@click.option("--rows", default=2_000_000, show_default=True, type=click.IntRange(1_000), help="Of the table.")
@click.option("--rate", default=120, show_default=True, help="Requests a second.")
def main(rows: int, rate: int) -> None:
    """Measure, and print a table."""
    population = Population("user-", users=rows // 200, each=200)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        url = stack.enter_context(postgres_databases()).fresh()
        _seed(url, population)
        server = stack.enter_context(serving(url, folder / "log"))
        migrator = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
        migrator.submit(time.time).result()  # it has started
        print(f"{'change':<38}{'s':>8}{'requests':>10}{'failed':>8}{'slowest write':>15}{'read':>8}")  # noqa: T201
        for number, (name, up) in enumerate(CHANGES.items(), start=9000):
            _write(folder / "migrations", number, up)
            with _report(url) if "(report)" in name else contextlib.nullcontext():
                load = _Load(server.port, population, rate)
                began = time.monotonic()
                asyncio.run(load.run_beside(migrator, url, folder / "migrations"))
            print(f"{name:<38}{time.monotonic() - began:8.1f}{load}", flush=True)  # noqa: T201


class _Load:
    """Requests of many users at a steady rate; half of them write."""

    def __init__(self, port: int, population: Population, rate: int) -> None:
        self._port, self._pause = port, CLIENTS / rate
        self._makers = [population.requests(name) for name in ("create", "get", "update", "list 100")]
        self._slowest = {"POST": 0.0, "PUT ": 0.0, "GET ": 0.0}
        self._answers: list[bytes] = []

    async def run_beside(self, migrator: ProcessPoolExecutor, url: str, folder: Path) -> None:
        """Send requests until the migration is done."""
        clients = [asyncio.create_task(self._client()) for _ in range(CLIENTS)]
        await asyncio.sleep(AROUND)
        await asyncio.wrap_future(migrator.submit(_migrate, url, folder))
        await asyncio.sleep(AROUND)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    async def _client(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        for maker in cycle(self._makers):
            request = next(maker)
            began = time.monotonic()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            took, verb = time.monotonic() - began, request[:4].decode()
            self._slowest[verb] = max(self._slowest[verb], took)
            self._answers.append(head[9:12])
            await asyncio.sleep(max(0.0, self._pause - took))

    def __str__(self) -> str:
        failed = len([answer for answer in self._answers if not answer.startswith(b"2")])
        writes, reads = max(self._slowest["POST"], self._slowest["PUT "]), self._slowest["GET "]
        return f"{len(self._answers):10,}{failed:8}{writes * 1000:15.0f}{reads * 1000:8.0f}"


def _seed(url: str, population: Population) -> None:
    population.seed(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO projects (user_id, name) SELECT DISTINCT user_id, 'Home' FROM tasks")
        connection.execute(
            "UPDATE tasks SET project_id = p.id FROM projects p WHERE p.user_id = tasks.user_id AND tasks.id % 2 = 0"
        )
        connection.execute("VACUUM ANALYZE")


def _write(folder: Path, number: int, up: str) -> None:
    """Write a migration behind the one before, into a folder that has those of the project."""
    if not folder.exists():
        folder.mkdir()
        for path in MIGRATIONS_DIR.rglob("*.[pm]*[yo]"):
            (folder / path.relative_to(MIGRATIONS_DIR)).parent.mkdir(exist_ok=True)
            (folder / path.relative_to(MIGRATIONS_DIR)).write_bytes(path.read_bytes())
    newest = sorted(path.name[:4] for path in (folder / "versions").glob("[0-9]*.py"))[-1]
    (folder / "versions" / f"{number}.py").write_text(
        f'"""{number}."""\nimport sqlalchemy as sa\nfrom alembic import op\n'
        f"revision = '{number}'\ndown_revision = '{newest}'\nbranch_labels = depends_on = None\n\n"
        f"def upgrade():\n{indent(up, '    ')}\n"
    )


@contextmanager
def _report(url: str) -> Iterator[None]:
    """Read the table in a transaction that a thread of the server ends after a while."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"SET idle_in_transaction_session_timeout = '{REPORT}s'")
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT count(*) FROM tasks")
        with contextlib.suppress(psycopg.OperationalError):
            yield
        connection.close()


def _migrate(url: str, folder: Path) -> None:
    vars(configuration)["MIGRATIONS_DIR"] = folder
    upgrade(settings_for_tests(url), backoff=Backoff(120, lambda sentence: click.echo(f"  {sentence}")))


if __name__ == "__main__":
    main()
