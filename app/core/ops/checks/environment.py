"""Checks of the settings, for a deployment; what cannot be used at all is refused when the settings are loaded."""

from app.core.data.engine import database_url
from app.core.ops.checks.registry import Messages, Site, check


@check("security.E004", cure="Set APP_ENV=production, which refuses what is only fit for development.", deploy=True)
async def is_production(site: Site) -> Messages:
    """A deployment says that it is one."""
    if not site.settings.is_production:
        yield f"APP_ENV is {site.settings.app_env}."


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
