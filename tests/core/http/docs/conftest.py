"""The documents that the rules are swept over: the application's, and a library's, which has fields of all kinds."""

import json
from typing import Any

import pytest

from app.asgi import create_app
from app.core.http.docs.document import document_of
from app.testing.databases import settings_for_tests
from tests.library import Library


@pytest.fixture(scope="session")
def installed() -> dict[str, Any]:
    """The document of the application."""
    document = document_of(create_app(settings_for_tests("sqlite:///never-opened.db")))
    return dict(json.loads(json.dumps(document)))


@pytest.fixture(params=["installed", "library"])
def document(request: pytest.FixtureRequest, installed: dict[str, Any], library: Library) -> dict[str, Any]:
    """Each of the documents."""
    return installed if request.param == "installed" else library.document()
