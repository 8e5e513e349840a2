"""What the fault tests share: servers that are real processes, on databases that may be harmed."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from app.testing.databases import Databases
from tests.parts.cluster import Cluster, Database, own_cluster
from tests.parts.serving import Server, serving


class Serve(Protocol):
    """Starts `app run` on a database, and stops it after the test."""

    def __call__(self, database_url: str, *arguments: str, **environment: str) -> Server: ...


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start servers."""
    with ExitStack() as stack:

        def start(database_url: str, *arguments: str, **environment: str) -> Server:
            return stack.enter_context(serving(database_url, tmp_path / "log", *arguments, **environment))

        yield start


@pytest.fixture(scope="session")
def database(postgres: Databases) -> Database:
    """A database on the server that all tests share: for faults that harm nothing outside of it."""
    url = postgres.fresh()
    return Database(url, url)


@pytest.fixture(scope="session")
def server(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The application on it."""
    with serving(database.url, tmp_path_factory.mktemp("server") / "log") as server:
        yield server


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A server that may be restarted, killed and frozen."""
    with own_cluster() as cluster:
        yield cluster
