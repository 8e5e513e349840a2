"""Checks of the settings, for a deployment; what cannot be used at all is refused when the settings are loaded."""

import re
from collections import Counter
from math import log2
from typing import Final

from app.core.data.engine import database_url
from app.core.ops.checks.registry import Messages, Site, check

_LEAST_BITS: Final = 96  # of surprise; 24 random characters of base64 have more, and so have 32 of hexadecimal
_PLACEHOLDER: Final = re.compile(r"change.?(me|this)|example|placeholder|password|your.?secret|12345|qwerty", re.I)


@check("security.E004", cure="Set APP_ENV=production, which refuses what is only fit for development.", deploy=True)
async def is_production(site: Site) -> Messages:
    """A deployment says that it is one."""
    if not site.settings.is_production:
        yield f"APP_ENV is {site.settings.app_env}."


@check("security.E005", cure="Set one that `openssl rand -base64 32` makes, at Better Auth as well.", deploy=True)
async def secret_is_random(site: Site) -> Messages:
    """Nobody can guess what tokens are signed with."""
    if site.settings.better_auth_secret is None:
        return
    secret = site.settings.better_auth_secret.get_secret_value()
    if _PLACEHOLDER.search(secret) or _surprise(secret) < _LEAST_BITS:
        yield "BETTER_AUTH_SECRET can be guessed, and who has it can be any user."


@check(
    "data.W001",
    cure="Set MIGRATION_DATABASE_URL to the direct host (Neon: the same name without -pooler).",
    deploy=True,
)
async def migrations_go_past_the_pooler(site: Site) -> Messages:
    """Migrations take a lock for their whole transaction and want a session of their own."""
    direct = site.settings.migration_database_url or site.settings.database_url
    host = database_url(direct.get_secret_value()).host or ""
    if "-pooler" in host.partition(".")[0]:
        yield f"Migrations go through the pooler at {host}."


def _surprise(text: str) -> float:
    """How many bits the text has, if its characters were drawn at random as often as they occur in it (Shannon)."""
    counts = Counter(text).values()
    return -sum(count * log2(count / len(text)) for count in counts)
