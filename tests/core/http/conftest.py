"""Applications with settings of their own, on an empty database or on none."""

from collections.abc import AsyncIterator, Callable
from functools import cache
from pathlib import Path

import pytest
from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig, SQLAlchemyInitPlugin
from litestar import Litestar, get

from app.asgi import create_app
from app.testing.databases import settings_for_tests

Make = Callable[..., Litestar]


@get("/fails", public=True)
async def fail() -> None:
    raise LookupError


def alchemy_of(app: Litestar) -> SQLAlchemyAsyncConfig:
    config = app.plugins.get(SQLAlchemyInitPlugin).config[0]
    assert isinstance(config, SQLAlchemyAsyncConfig)
    return config


def made(url: str, **changes: object) -> Litestar:
    """Make an application with these settings, and with a handler that fails."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.asgi.configure_logging", lambda _: None)  # it would take the log away from the test
        app = create_app(settings_for_tests(url, **changes))
    app.register(fail)
    app.state.update(alchemy_of(app).create_app_state_items())  # as its start would
    return app


@cache
def app_with(**changes: object) -> Litestar:
    """Return the application with these settings, one for all tests that ask it: they leave nothing in it."""
    return made("sqlite:///never-opened.db", **changes)


@pytest.fixture
async def make_app(tmp_path: Path) -> AsyncIterator[Make]:
    """Make an application with these settings, for one test."""
    apps = []

    def make(**changes: object) -> Litestar:
        apps.append(made(f"sqlite:///{tmp_path}/empty.db", **changes))
        return apps[-1]

    yield make
    for app in apps:
        async with app.lifespan():  # its end closes what it has opened
            pass
