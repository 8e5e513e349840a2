"""Checks of the settings, for a deployment; what cannot be used at all is refused when the settings are loaded."""

from contextlib import suppress

from app.core.auth.better_auth import jwks_url
from app.core.auth.jwk_set import InvalidJwkSet
from app.core.auth.jwks_http import fetch_jwk_set, make_http_client
from app.core.data.connection.engine import database_url
from app.core.data.connection.libpq import hosts_of
from app.core.ops.checks.registry import Context, Messages, check
from app.settings import InvalidSettings
from app.settings.formats import covers_public_suffix, is_unencrypted, split_list


@check("security.E004", hint="Set APP_ENV=production, which refuses what is only fit for development.", deploy=True)
async def is_production(context: Context) -> Messages:
    """A deployment says that it is one."""
    if not context.settings.is_production:
        yield f"APP_ENV is {context.settings.app_env}."


@check("security.W002", hint="Leave RATE_LIMIT out, or set a rate like 600/minute.", deploy=True)
async def callers_are_limited(context: Context) -> Messages:
    """One caller cannot take all of the service."""
    if context.settings.rate is None:
        yield "RATE_LIMIT is off."


@check("security.W003", hint="List the names that clients call, like api.example.com.", deploy=True)
async def hosts_are_named(context: Context) -> Messages:
    """A request for another host's sake is not answered."""
    if "*" in split_list(context.settings.allowed_hosts):
        yield "ALLOWED_HOSTS allows every host."


@check("security.W004", hint="List origins with https, which nobody on the way can pretend to be.", deploy=True)
async def origins_are_encrypted(context: Context) -> Messages:
    """A script that somebody put into a page on its way does not read what the API says."""
    for origin in split_list(context.settings.cors_origins):
        if is_unencrypted(origin):
            yield f"CORS_ORIGINS has {origin}, which is not https."


@check("security.W005", hint="Give previews a name of your own, or list each origin exactly.", deploy=True)
async def origins_are_ones_own(context: Context) -> Messages:
    """A page that a stranger publishes does not read what the API says."""
    for origin in split_list(context.settings.cors_origins):
        if covers_public_suffix(origin):
            yield f"CORS_ORIGINS has {origin}, below which anybody may publish pages."


@check("security.W006", hint="Use https, or see that nobody else is in that network.", deploy=True)
async def keys_are_encrypted(context: Context) -> Messages:
    """Nobody on the way replaces the keys that tokens are checked with."""
    if context.settings.uses_jwks and is_unencrypted(jwks_url(context.settings)):
        yield f"The keys are fetched from {jwks_url(context.settings)}, which is not https."


@check("settings.E002", hint="Correct the variable where the service is started.", deploy=True)
async def keys_can_be_asked_for(context: Context) -> Messages:
    """The proxy and the certificates that the environment names for outgoing requests can be used."""
    if context.settings.uses_jwks:
        try:
            make_http_client(jwks_url(context.settings))
        except InvalidSettings as error:
            yield f"{error}."


@check("auth.E001", hint="Correct BETTER_AUTH_URL, or start the issuer; without keys nobody gets in.", deploy=True)
async def keys_come(context: Context) -> Messages:
    """The issuer publishes keys that tokens can be checked with, and they can be fetched from here."""
    if context.settings.uses_jwks:
        url = jwks_url(context.settings)
        with suppress(InvalidSettings):  # which is a message of its own
            async with make_http_client(url) as http:
                try:
                    await fetch_jwk_set(http, url)
                except InvalidJwkSet as error:
                    yield f"No keys come from {url}: {error}."


@check(
    "data.W001",
    hint="Set MIGRATION_DATABASE_URL to the direct host (Neon: the same name without -pooler).",
    deploy=True,
)
async def migrations_go_past_the_pooler(context: Context) -> Messages:
    """Migrations take a lock for their whole transaction and want a session of their own."""
    direct = context.settings.migration_database_url or context.settings.database_url
    for host in hosts_of(database_url(direct.get_secret_value())):
        if "-pooler" in host.partition(".")[0]:
            yield f"Migrations go through the pooler at {host}."
