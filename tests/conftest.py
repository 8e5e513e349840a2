"""All fixtures come from the kit that every project on this frame uses, but for the library."""

from collections.abc import Iterator

import pytest

from app.testing.databases import Databases
from tests.library import Library, Say, library_process

pytest_plugins = ["app.testing.plugin"]


@pytest.fixture(scope="session")
def libraries() -> Iterator[Say]:
    """The process in which the application has nouns that only tests have."""
    with library_process() as say:
        yield say


@pytest.fixture(scope="session")
def library(libraries: Say, databases: Databases) -> Library:
    """The application with these nouns; what is done in it stays."""
    url = databases.fresh()
    return Library(libraries, url, databases.for_owner(url))
