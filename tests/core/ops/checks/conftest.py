"""How the checks are asked, and settings that give them nothing to find."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from litestar import Litestar
from pydantic import SecretStr

from app.asgi import create_app
from app.core.ops.checks import Finding, run_checks
from app.settings import Settings
from app.testing.databases import settings_for_tests

RANDOM_SECRET = SecretStr("Zm9yIHRlc3RzLCBub3QgZm9yIHVzZSBlbHNld2hlcmU=")

Find = Callable[..., Awaitable[list[Finding]]]


def production(url: str, **changes: Any) -> Settings:
    """Settings as a deployment should have them."""
    given = {"app_env": "production", "better_auth_secret": RANDOM_SECRET, "allowed_hosts": "api.example.com"}
    return settings_for_tests(url, **{**given, **changes})


async def findings(settings: Settings, make_app: Callable[[Settings], Litestar] = create_app) -> list[Finding]:
    """What `app check --deploy` finds, but for what is only said."""
    found = await run_checks(settings, make_app, deploy=True)
    return [finding for finding in found if finding.level != "info"]


@pytest.fixture
def ids() -> Callable[..., Awaitable[list[str]]]:
    """The ids of what is found."""

    async def ask(*arguments: Any) -> list[str]:
        return [finding.id for finding in await findings(*arguments)]

    return ask
