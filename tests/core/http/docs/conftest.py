"""The documents that the rules are swept over: the application's, and a library's, which has fields of all kinds."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.asgi import create_app
from app.core.http.docs.document import document_of
from app.testing.databases import SqliteDatabases, settings_for_tests
from tests.library import Library, library_process


@pytest.fixture(scope="session")
def installed() -> dict[str, Any]:
    """The document of the application."""
    document = document_of(create_app(settings_for_tests("sqlite:///never-opened.db")))
    return dict(json.loads(json.dumps(document)))


@pytest.fixture(scope="session")
def typed(sqlite_databases: SqliteDatabases) -> Iterator[dict[str, Any]]:
    """The document of a library whose items have further types."""
    with library_process("typed") as say:
        url = sqlite_databases.fresh()
        yield Library(say, url, url).document()


@pytest.fixture(params=["installed", "library", "typed"])
def document(request: pytest.FixtureRequest, installed: dict[str, Any], library: Library) -> dict[str, Any]:
    """Each of the documents."""
    if request.param == "typed":
        return dict(request.getfixturevalue("typed"))
    return installed if request.param == "installed" else library.document()
