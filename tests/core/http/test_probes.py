"""Probes: one handler option says which routes they are."""

import pytest
from litestar import Litestar, get, post

from app.asgi import create_app
from app.core.http.probes import probe_paths
from app.testing.databases import settings_for_tests

pytestmark = pytest.mark.any_database


@get("/alive", probe=True)
async def alive() -> None: ...


@get("/other")
async def other() -> None: ...


@post("/alive")
async def change() -> None: ...


def test_the_paths_are_those_of_the_option_with_and_without_a_slash() -> None:
    assert probe_paths(Litestar([alive, other, change], openapi_config=None)) == {"/alive", "/alive/"}


def test_the_application_has_those_of_its_health_and_no_other() -> None:
    app = create_app(settings_for_tests("sqlite:///never-opened.db"))

    assert probe_paths(app) == {"/health", "/health/", "/health/ready", "/health/ready/"}
