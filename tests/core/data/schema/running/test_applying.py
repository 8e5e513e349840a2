"""How migrations are run: one by one, by one migrator at a time, and with backoff for those who use the tables."""

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from app.core.data.connection.engine import database_url
from app.core.data.errors import MigrationError
from app.core.data.schema import configuration
from app.core.data.schema.drift import drift
from app.core.data.schema.engines import migration_engine
from app.core.data.schema.migrations import downgrade, upgrade
from app.core.data.schema.revisions import pending
from app.core.data.schema.running.backoff import Backoff
from app.settings import Settings
from app.testing.databases import PostgresDatabases, settings_for_tests
from tests.core.conftest import WriteMigration
from tests.parts.pooler import needs_pgbouncer, pooled

ADD = "op.add_column('tasks', sa.Column('colour', sa.Text()))"
INDEX = "op.create_index('ix_tasks_title', 'tasks', ['user_id', 'title'])"
FORMS = {
    "a transaction": ADD,
    "online": f"with op.online():\n    {ADD}",
    "online rows": "with op.online():\n    op.fill_empty('tasks', 'description', 'none')",
}


@pytest.fixture
def on_postgres(postgres: PostgresDatabases) -> Settings:
    return settings_for_tests(postgres.fresh())


class Holder:
    """Somebody with an open transaction that has used the tasks, until it is told something."""

    def __init__(self, settings: Settings, *, is_told_to_end: bool) -> None:
        self.told: list[str] = []
        self._ends = is_told_to_end
        self._connection = connect(settings)
        self._connection.execute(text("UPDATE tasks SET title = 'held'"))
        self._connection.execute(text("SELECT 'a report' FROM tasks"))
        self.pid = self._connection.execute(text("SELECT pg_backend_pid()")).scalar()
        self._connection.execute(text("SELECT 'a report' FROM tasks"))

    def hear(self, sentence: str) -> None:
        self.told.append(sentence)
        if self._ends and sentence.startswith("waiting"):
            self._connection.rollback()

    def close(self) -> None:
        self._connection.close()


def connect(settings: Settings) -> Connection:
    url = database_url(settings.database_url.get_secret_value())
    return migration_engine(url, "reports").connect()


def add_row(settings: Settings) -> None:
    with connect(settings) as connection:
        connection.execute(text("INSERT INTO tasks (user_id, title) VALUES ('alice', 'a')"))
        connection.commit()


@pytest.mark.parametrize("up", FORMS.values(), ids=FORMS)
def test_it_says_for_whom_it_waits_and_goes_on_when_they_are_done(
    on_postgres: Settings, write_migration: WriteMigration, up: str
) -> None:
    add_row(on_postgres)
    write_migration("0099", up)
    holder = Holder(on_postgres, is_told_to_end=True)

    upgrade(on_postgres, backoff=Backoff(30, holder.hear))

    holder.close()
    first, *_, last = holder.told
    assert first.startswith(f"waiting for process {holder.pid} (role ")
    assert ", reports), its transaction is open for " in first
    assert first.endswith(" s: SELECT 'a report' FROM tasks")
    assert last.startswith("applied 0099 (0099 of a test.) in ")
    assert pending(on_postgres) == []


@pytest.mark.parametrize("up", FORMS.values(), ids=FORMS)
def test_waiting_ends_after_the_timeout_and_nothing_is_changed(
    on_postgres: Settings, write_migration: WriteMigration, up: str
) -> None:
    add_row(on_postgres)
    write_migration("0099", up)
    holder = Holder(on_postgres, is_told_to_end=False)

    with pytest.raises(MigrationError, match=r"waiting for process \d+ .*; gave up after 0\.5 s"):
        upgrade(on_postgres, backoff=Backoff(0.5))

    holder.close()
    assert pending(on_postgres) == ["0099"]
    assert drift(on_postgres) == []


def test_those_that_were_applied_stay_when_a_later_one_fails(
    settings: Settings, write_migration: WriteMigration
) -> None:
    write_migration("0098", ADD)
    write_migration("0099", "op.execute('CREATE TABLE half_done (id int)')\nop.execute('nonsense')")

    with pytest.raises(DBAPIError, match="nonsense"):
        upgrade(settings)

    with connect(settings) as connection:
        assert "half_done" not in inspect(connection).get_table_names()
    assert pending(settings) == ["0099"]


def migrate(url: str, folder: Path) -> list[str]:
    """Migrate, in a process of its own: alembic has one environment in each."""
    told: list[str] = []
    vars(configuration)["MIGRATIONS_DIR"] = folder
    upgrade(settings_for_tests(url), backoff=Backoff(60, told.append))
    return told


@pytest.mark.slow
@pytest.mark.parametrize("up", [ADD, f"with op.online():\n    {INDEX}"], ids=["a transaction", "online"])
def test_two_migrators_at_once_are_one(settings: Settings, write_migration: WriteMigration, up: str) -> None:
    path = write_migration("0098", up)
    write_migration("0099", "op.execute('CREATE TABLE once (id int)')")
    downgrade(settings, "base")

    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as migrators:
        url = settings.database_url.get_secret_value()
        both = [migrators.submit(migrate, url, path.parent.parent) for _ in range(2)]
        told = [sentence for each in both for sentence in each.result()]

    applied = sorted(sentence.split()[1] for sentence in told if sentence.startswith("applied"))
    assert applied == ["0001", "0002", "0003", "0004", "0098", "0099"]
    assert pending(settings) == []


@needs_pgbouncer
def test_behind_a_pooler_it_is_the_same(on_postgres: Settings, write_migration: WriteMigration) -> None:
    write_migration("0099", f"with op.online():\n    {INDEX}\n    {ADD}")
    with pooled(on_postgres.database_url.get_secret_value()) as pooler:
        upgrade(settings_for_tests(pooler.url), backoff=Backoff(20))

    assert pending(on_postgres) == []


@pytest.fixture
def vacuumed(on_postgres: Settings) -> Iterator[Settings]:
    """A database in which an autovacuum is at the tasks, and takes minutes."""
    with connect(on_postgres).execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(
            text(
                "ALTER TABLE tasks SET (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit"
                " = 1, autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0)"
            )
        )
        connection.execute(
            text("INSERT INTO tasks (user_id, title) SELECT 'alice', n FROM generate_series(1, 50000) n")
        )
        connection.execute(text("UPDATE tasks SET title = 'again'"))
        connection.execute(text("ALTER SYSTEM SET autovacuum_naptime = '1s'"))
        connection.execute(text("SELECT pg_reload_conf()"))
        at_work = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'autovacuum: VACUUM%public.tasks%'")
        for _ in range(600):
            if connection.execute(at_work).scalar():
                break
            time.sleep(0.1)
        yield on_postgres
        connection.execute(text("ALTER SYSTEM RESET autovacuum_naptime"))
        connection.execute(text("SELECT pg_reload_conf()"))


@pytest.mark.slow
def test_an_autovacuum_is_sent_away(vacuumed: Settings, write_migration: WriteMigration) -> None:
    write_migration("0099", ADD)
    told: list[str] = []

    upgrade(vacuumed, backoff=Backoff(60, told.append))

    assert "autovacuum: VACUUM" in told[0]
    assert pending(vacuumed) == []
