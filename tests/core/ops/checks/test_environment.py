"""Checks of the settings: each is set wrong once; the example for production gives them nothing to find."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.settings import BASE_DIR, Settings
from app.testing.databases import Databases, SqliteDatabases
from tests.core.ops.checks.conftest import RANDOM_SECRET, messages, production
from tests.parts.issuer import serving_issuer

Ids = Callable[..., Awaitable[list[str]]]
STOCK = {"better_auth_secret": None, "better_auth_url": "https://app.example", "jwks_over_http": True}


@pytest.fixture
def no_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send outgoing requests to a proxy that is not there."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("changes", "id"),
    [
        ({"app_env": "development", "rate_limit": "600/minute"}, "security.E004"),
        ({"rate_limit": "off"}, "security.W002"),
        ({"allowed_hosts": "*"}, "security.W003"),
        ({"cors_origins": "https://app.example,http://app.example"}, "security.W004"),
        ({"cors_origins": "http://*.app.example"}, "security.W004"),
        ({"cors_origins": "https://*.app.example,https://*.vercel.app"}, "security.W005"),
        ({"cors_origins": "https://*.co.uk:8443"}, "security.W005"),
    ],
)
async def test_a_setting_that_is_unfit_for_a_deployment_is_found(
    sqlite_databases: SqliteDatabases, ids: Ids, changes: dict[str, Any], id: str
) -> None:
    assert await ids(production(sqlite_databases.fresh(), **changes)) == [id]


@pytest.mark.parametrize(
    ("url", "is_found"), [("http://auth.example:1/jwks", True), ("https://auth.example:1/jwks", False)]
)
async def test_keys_that_are_fetched_over_http_are_found(
    sqlite_databases: SqliteDatabases, ids: Ids, no_internet: None, url: str, is_found: bool
) -> None:
    found = await ids(production(sqlite_databases.fresh(), **STOCK, better_auth_jwks_url=url))

    assert ("security.W006" in found) == is_found


async def test_keys_that_do_not_come_are_found_with_the_reason(sqlite_databases: SqliteDatabases, ids: Ids) -> None:
    with serving_issuer() as issuer:
        settings = production(sqlite_databases.fresh(), **STOCK, better_auth_jwks_url=issuer.url)
        assert await ids(settings) == []
        issuer.status = 500
        [found] = await messages(settings)

    assert (found.id, found.level) == ("auth.E001", "error")
    assert found.message == f"The keys cannot be fetched from {issuer.url}: the response status was 500."


async def test_a_proxy_that_keys_cannot_be_fetched_through_is_found(
    sqlite_databases: SqliteDatabases, ids: Ids, no_internet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "ftp://zebra")

    assert await ids(production(sqlite_databases.fresh(), **STOCK)) == ["settings.E002"]
    assert await ids(production(sqlite_databases.fresh())) == []


@pytest.mark.parametrize("secret", ["5f4dcc3b8a1e0297f6d2c4b8e07a9135", "mUqW0n5YtG8sKf2LxZr7VbHd4Jc9PaQe"])
async def test_a_random_secret_of_the_least_length_will_do(
    sqlite_databases: SqliteDatabases, ids: Ids, secret: str
) -> None:
    assert await ids(production(sqlite_databases.fresh(), better_auth_secret=SecretStr(secret))) == []


POOLER = "postgresql://a@ep-cool-1-pooler.eu.aws.neon.tech:1/db"


@pytest.mark.parametrize(
    ("direct", "is_found"),
    [
        (None, True),
        (POOLER, True),
        ("postgresql://a@127.0.0.1:1/db", False),
        ("postgresql://a@127.0.0.1:1,ep-cool-1-pooler.eu.aws.neon.tech:1/db", True),
    ],
)
async def test_migrations_through_a_pooler_are_found(ids: Ids, direct: str | None, is_found: bool) -> None:
    changes = {"migration_database_url": SecretStr(direct)} if direct else {}

    assert ("data.W001" in await ids(production(POOLER, **changes))) is is_found


# What the example shows beside the one secret: other ways to know a token, which exclude it.
OTHER_KEYS = {
    "BETTER_AUTH_SECRETS",
    "BETTER_AUTH_URL",
    "BETTER_AUTH_JWKS_URL",
    "JWT_ISSUER",
    "JWT_AUDIENCE",
    "JWT_KEYS",
}


async def test_the_example_for_production_has_nothing_to_find(
    restricted: Databases, ids: Ids, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = restricted.fresh()
    given = {
        "APP_ENV": "production",
        "ALLOWED_HOSTS": "api.example.com",
        "DATABASE_URL": url,
        "MIGRATION_DATABASE_URL": restricted.for_owner(url),
        "BETTER_AUTH_SECRET": RANDOM_SECRET.get_secret_value(),
    }
    lines = (BASE_DIR / ".env.example").read_text().splitlines()
    assert set(given) <= {line.removeprefix("# ").partition("=")[0] for line in lines}
    env_file = tmp_path / ".env"
    env_file.write_text("\n".join(_filled_in(line, given) for line in lines))

    monkeypatch.delenv("PYTHON_DOTENV_DISABLED")
    monkeypatch.setattr(Settings, "env_file", env_file)

    settings = Settings()

    assert settings.is_production
    assert await ids(settings) == []


def _filled_in(line: str, given: dict[str, str]) -> str:
    """A setting's line without its `# `, with the value that is given, if there is one."""
    name, is_setting, _ = line.removeprefix("# ").partition("=")
    if not is_setting or not name.isupper() or name in OTHER_KEYS:
        return line
    return f"{name}={given[name]}" if name in given else line.removeprefix("# ")
