"""Nouns that refer to each other, served and commanded, on as many databases as a test wants."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import pytest

from app.testing.databases import Databases, PostgresDatabases, SqliteDatabases
from tests.library import Library, Said, Say, library_process


class Site:
    """Databases of one kind that have the tables, and what can be done with them."""

    def __init__(self, say: Say, databases: Databases) -> None:
        self._say = say
        self.databases = databases

    @cached_property
    def library(self) -> Library:
        """The application on one of them."""
        return self.serve(self.databases.fresh())

    def serve(self, url: str) -> Library:
        """Return the application on a database."""
        return Library(self._say, url, self.databases.for_owner(url))

    def fresh(self) -> str:
        """Return the URL of an empty one."""
        url = self.databases.fresh()
        self._say("add_tables", url, self.databases.for_owner(url))
        return url

    def call(self, url: str, *arguments: str) -> Said:
        """Call `app` as the role that serves; what is everybody's business is the owner's."""
        return Said(*self._say("call", url, self.databases.for_owner(url), *arguments))

    def run(self, url: str, *arguments: str) -> str:
        """Return what a call writes that succeeds."""
        said = self.call(url, *arguments)
        assert said.exit_code == 0, said.stderr
        return said.stdout

    def dump(self, url: str) -> str:
        """Return all rows."""
        return self.run(url, "dumpdata")

    def load(self, dump: str, folder: Path) -> str:
        """Load a dump into a new database, and return its URL."""
        url, path = self.fresh(), folder / "dump.jsonl"
        path.write_text(dump)
        self.run(url, "loaddata", str(path))
        return url


@pytest.fixture(scope="session")
def cycles() -> Iterator[Say]:
    """The process that knows them."""
    with library_process("cycles") as say:
        yield say


@pytest.fixture(scope="session")
def site(cycles: Say, databases: Databases) -> Site:
    return Site(cycles, databases)


@pytest.fixture(scope="session")
def sqlite_site(cycles: Say, sqlite_databases: SqliteDatabases) -> Site:
    return Site(cycles, sqlite_databases)


@pytest.fixture(scope="session")
def postgres_site(cycles: Say, postgres: PostgresDatabases) -> Site:
    return Site(cycles, postgres)


@pytest.fixture(scope="session")
def links() -> Iterator[Say]:
    """The process that knows the nouns with lists of ids."""
    with library_process("links") as say:
        yield say


@pytest.fixture(scope="session")
def linked_site(links: Say, databases: Databases) -> Site:
    return Site(links, databases)
