"""How the checks are asked, and settings that give them nothing to find."""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import pytest
from litestar import Litestar
from pydantic import SecretStr
from sqlalchemy import text

from app.asgi import create_app
from app.core.data.connection.engine import database_url
from app.core.data.schema.engines import migration_engine
from app.core.ops.checks import Message, run_checks
from app.settings import Settings
from app.testing.databases import Databases, settings_for_tests

NEVER_OPENED = SecretStr("sqlite:///never-opened.db")
RANDOM_SECRET = SecretStr("Zm9yIHRlc3RzLCBub3QgZm9yIHVzZSBlbHNld2hlcmU=")

Find = Callable[..., Awaitable[list[Message]]]


def production(url: str, **changes: Any) -> Settings:
    """Settings as a deployment should have them."""
    given = {"app_env": "production", "better_auth_secret": RANDOM_SECRET, "allowed_hosts": "api.example.com"}
    return settings_for_tests(url, **{**given, **changes})


made_for = cache(create_app)


def app_for(settings: Settings) -> Litestar:
    """The application for these settings, whatever the database: checks look at its routes only."""
    return made_for(settings.model_copy(update={"database_url": NEVER_OPENED, "migration_database_url": None}))


async def messages(settings: Settings, make_app: Callable[[Settings], Litestar] = app_for) -> list[Message]:
    """What `app check --deploy` finds, but for what is only said."""
    found = await run_checks(settings, make_app, deploy=True)
    return [message for message in found if message.level != "info"]


@pytest.fixture
def ids() -> Callable[..., Awaitable[list[str]]]:
    """The ids of what is found."""

    async def ask(*arguments: Any) -> list[str]:
        return [message.id for message in await messages(*arguments)]

    return ask


def change(databases: Databases, url: str, *statements: str) -> None:
    """Do something to the database as its owner."""
    with migration_engine(database_url(databases.for_owner(url))).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
