"""Applications with settings of their own, on an empty database."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig, SQLAlchemyInitPlugin
from litestar import Litestar, get

from app.asgi import create_app
from app.testing.databases import settings_for_tests

Make = Callable[..., Litestar]


@pytest.fixture
async def make_app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Make]:
    """Make an application with these settings, and with a handler that fails."""

    @get("/fails", public=True)
    async def fail() -> None:
        raise LookupError

    apps = []

    def make(**changes: object) -> Litestar:
        app = create_app(settings_for_tests(f"sqlite:///{tmp_path}/empty.db", **changes))
        app.register(fail)
        config = app.plugins.get(SQLAlchemyInitPlugin).config[0]
        assert isinstance(config, SQLAlchemyAsyncConfig)
        app.state.update(config.create_app_state_items())  # as its start would
        apps.append(app)
        return app

    monkeypatch.setattr("app.asgi.configure_logging", lambda _: None)  # it would take the log away from the test
    yield make
    for app in apps:
        for hook in app.on_shutdown:
            await app._call_lifespan_hook(hook)
