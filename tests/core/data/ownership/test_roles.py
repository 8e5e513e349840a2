"""Roles: only one that row level security does not restrict can serve everyone."""

import pytest

from app.core.data.connection.engine import make_engine
from app.core.data.ownership.guard import everyone
from app.core.data.ownership.roles import refuse_restricted_role
from app.core.data.ownership.session import AppSession
from app.settings import InvalidSettings
from app.testing.databases import Databases, settings_for_tests


async def check_role(url: str) -> None:
    engine = make_engine(settings_for_tests(url))
    try:
        async with AppSession(engine) as session:
            await refuse_restricted_role(everyone(session))
    finally:
        await engine.dispose()


async def test_a_restricted_role_cannot_serve_everyone(restricted: Databases) -> None:
    with pytest.raises(InvalidSettings, match="MIGRATION_DATABASE_URL"):
        await check_role(restricted.fresh())


async def test_the_owner_of_the_tables_can_serve_everyone(restricted: Databases) -> None:
    await check_role(restricted.for_owner(restricted.fresh()))
