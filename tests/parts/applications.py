"""Applications that have one more resource."""

from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig, SQLAlchemyInitPlugin
from litestar import Litestar
from sqlalchemy.ext.asyncio import async_sessionmaker

from app.asgi import create_app
from app.core.data.ownership.session import AppSession
from app.testing.contract import Resource
from app.testing.databases import settings_for_tests

made: dict[Resource, Litestar] = {}


def made_with(resource: Resource) -> Litestar:
    """Return an application that has this resource as well: one for all tests of it."""
    if resource not in made:
        made[resource] = create_app(settings_for_tests("sqlite:///never-opened.db"))
        made[resource].register(resource)
    return made[resource]


def app_with(resource: Resource, sessions: async_sessionmaker[AppSession]) -> Litestar:
    """Return the application that has this resource, at work in the sessions of the test."""
    app = made_with(resource)
    config = app.plugins.get(SQLAlchemyInitPlugin).config[0]
    assert isinstance(config, SQLAlchemyAsyncConfig)
    maker = config.create_session_maker()
    assert isinstance(maker, async_sessionmaker)
    maker.kw = dict(sessions.kw)
    app.state.update(config.create_app_state_items())  # as its start would, which would open a database of its own
    return app
