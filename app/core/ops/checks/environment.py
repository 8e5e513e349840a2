"""Checks of the settings for a deployment. Invalid settings are refused earlier, when they are loaded."""

from contextlib import suppress

from app.core.auth.better_auth import jwks_url
from app.core.auth.jwk_set import InvalidJwkSet
from app.core.auth.jwks_http import fetch_jwk_set, make_http_client
from app.core.data.connection.engine import database_url
from app.core.data.connection.libpq import hosts_of
from app.core.ops.checks.registry import Context, Messages, check
from app.settings import InvalidSettings
from app.settings.formats import covers_public_suffix, is_unencrypted, split_list


@check(
    "security.E004", hint="Set APP_ENV=production, which refuses settings that are only for development.", deploy=True
)
async def is_production(context: Context) -> Messages:
    """A deployment runs with APP_ENV=production."""
    if not context.settings.is_production:
        yield f"APP_ENV is {context.settings.app_env}."


@check("security.W002", hint="Remove RATE_LIMIT, or set a rate like 600/minute.", deploy=True)
async def rate_limit_is_set(context: Context) -> Messages:
    """Requests have a rate limit."""
    if context.settings.rate is None:
        yield "RATE_LIMIT is off."


@check("security.W003", hint="List the host names of this service, like api.example.com.", deploy=True)
async def allowed_hosts_are_listed(context: Context) -> Messages:
    """A request with an unknown Host header is refused."""
    if "*" in split_list(context.settings.allowed_hosts):
        yield "ALLOWED_HOSTS allows every host."


@check(
    "security.W004",
    hint="List only https origins: an attacker in the network can forge a page of an http origin.",
    deploy=True,
)
async def origins_are_encrypted(context: Context) -> Messages:
    """All CORS origins are https."""
    for origin in split_list(context.settings.cors_origins):
        if is_unencrypted(origin):
            yield f"CORS_ORIGINS has {origin}, which is not https."


@check("security.W005", hint="Use your own domain for previews, or list each origin exactly.", deploy=True)
async def origins_cover_no_public_suffix(context: Context) -> Messages:
    """No CORS origin covers subdomains where anyone can publish pages."""
    for origin in split_list(context.settings.cors_origins):
        if covers_public_suffix(origin):
            yield f"CORS_ORIGINS has {origin}, and anyone can publish pages on its subdomains."


@check("security.W006", hint="Use https, or make sure that the network is private.", deploy=True)
async def jwks_url_is_encrypted(context: Context) -> Messages:
    """The keys that verify tokens are fetched over https, so an attacker in the network cannot replace them."""
    if context.settings.uses_jwks and is_unencrypted(jwks_url(context.settings)):
        yield f"The keys are fetched from {jwks_url(context.settings)}, which is not https."


@check("settings.E002", hint="Correct the environment variable of the service.", deploy=True)
async def jwks_client_can_be_made(context: Context) -> Messages:
    """The environment's proxy and certificates for outgoing requests are valid."""
    if context.settings.uses_jwks:
        try:
            make_http_client(jwks_url(context.settings))
        except InvalidSettings as error:
            yield f"{error}."


@check(
    "auth.E001", hint="Correct BETTER_AUTH_URL, or start Better Auth; without keys every token is refused.", deploy=True
)
async def jwks_can_be_fetched(context: Context) -> Messages:
    """The issuer publishes valid keys, and this machine can fetch them."""
    if context.settings.uses_jwks:
        url = jwks_url(context.settings)
        with suppress(InvalidSettings):  # settings.E002 reports it
            async with make_http_client(url) as http:
                try:
                    await fetch_jwk_set(http, url)
                except InvalidJwkSet as error:
                    yield f"The keys cannot be fetched from {url}: {error}."


@check(
    "data.W001",
    hint="Set MIGRATION_DATABASE_URL to the direct host (Neon: the same name without -pooler).",
    deploy=True,
)
async def migrations_bypass_the_pooler(context: Context) -> Messages:
    """Migrations do not go through a pooler, because they hold locks for a whole transaction."""
    direct = context.settings.migration_database_url or context.settings.database_url
    for host in hosts_of(database_url(direct.get_secret_value())):
        if "-pooler" in host.partition(".")[0]:
            yield f"Migrations go through the pooler at {host}."
