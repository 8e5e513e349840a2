"""All fixtures come from the kit that every project on this frame uses, but for the library."""

from collections.abc import Iterator

import pytest

from app.testing.databases import Databases
from tests.library import Library, open_library

pytest_plugins = ["app.testing.plugin"]


@pytest.fixture(scope="session")
def library(databases: Databases) -> Iterator[Library]:
    """The application with nouns that only tests have; what is done in it stays."""
    url = databases.fresh()
    with open_library(url, databases.for_owner(url)) as library:
        yield library
