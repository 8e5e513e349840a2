"""The application with nouns that have a field of each further type."""

from collections.abc import Iterator

import pytest

from app.testing.databases import Databases, PostgresDatabases, SqliteDatabases
from tests.core.data.conftest import Site
from tests.library import Library, Say, library_process


@pytest.fixture(scope="session")
def typed() -> Iterator[Say]:
    """The process that has the items."""
    with library_process("typed") as say:
        yield say


@pytest.fixture(scope="session")
def sites(typed: Say, sqlite_databases: SqliteDatabases, postgres: PostgresDatabases) -> list[Site]:
    return [Site(typed, sqlite_databases), Site(typed, postgres)]


@pytest.fixture(scope="session")
def items(typed: Say, databases: Databases) -> Library:
    """The application with the items."""
    url = databases.fresh()
    return Library(typed, url, databases.for_owner(url))
