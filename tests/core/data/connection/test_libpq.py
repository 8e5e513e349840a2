"""Database URLs for libpq: several hosts, and options; those of other drivers are refused with a hint."""

import socket
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

import pytest
from sqlalchemy import make_url, text

from app.core.data.connection.engine import database_url, make_engine
from app.core.data.connection.libpq import display_url, hosts_of
from app.core.data.schema.engines import migration_engine, owner_settings
from app.settings import InvalidSettings, Settings
from app.testing.databases import Databases, settings_for_tests

BASE: Final = "postgresql://alice:hunter2@h/d"

FOREIGN: Final[dict[str, str]] = {
    "schema=public": "the option schema, which libpq does not know; write options=-csearch_path%3DNAME",
    "currentSchema=zebra": "the option currentSchema, which libpq does not know; write options=-csearch_path%3DNAME",
    "pgbouncer=true": "the option pgbouncer, which libpq does not know; leave it out",
    "uselibpqcompat=true&sslmode=require": "the option uselibpqcompat, which libpq does not know; leave it out",
    "ssl=require": "the option ssl, which libpq does not know; write sslmode=require",
    "ssl=true": "write sslmode=require, or sslmode=verify-full to check the certificate",
    "sslmode=require&connection_limit=5": "the option connection_limit, which libpq does not know; set DATABASE_POOL_S",
    "pool_timeout=7": "set DATABASE_POOL_TIMEOUT",
    "prepare_threshold=0": "the option prepare_threshold, which libpq does not know; leave it out",
    "autocommit=0": "leave it out, or write a setting of the server as options=-cNAME%3DVALUE",
    "row_factory=x": "the option row_factory, which libpq does not know",
    "SSLMODE=require": "the option SSLMODE, which libpq does not know",
    "sslmode=no-verify": "an sslmode that libpq does not know; use one of disable, allow, prefer, require, verify-ca",
    "sslmode=true": "require encrypts without checking the certificate",
    "sslmode=require&sslmode=disable": "the option sslmode twice; leave one of them out",
    "hunter2%40host=1": "text after its question mark that is not an option",
    "a-b=1": "text after its question mark that is not an option",
}


@pytest.mark.parametrize("setting", ["DATABASE_URL", "MIGRATION_DATABASE_URL"])
@pytest.mark.parametrize(("query", "sentence"), FOREIGN.items(), ids=list(FOREIGN))
def test_an_option_of_another_driver_is_refused_with_a_hint(query: str, sentence: str, setting: str) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        database_url(f"{BASE}?{query}", setting)

    message = str(refusal.value)
    assert message.startswith(f"{setting} has ")
    assert sentence in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "query",
    [
        "sslmode=require&channel_binding=require",
        "application_name=x&connect_timeout=3&keepalives=1&target_session_attrs=read-write",
        "options=-csearch_path%3Dzebra&client_encoding=UTF8",
        "sslmode=verify-full&sslrootcert=system",
        "host=a:1&host=b:2",
        "host=a,b&port=1,2&load_balance_hosts=random",
    ],
)
def test_options_of_libpq_are_unchanged(query: str) -> None:
    assert database_url(f"{BASE}?{query}").query == make_url(f"{BASE}?{query}").query


@pytest.mark.parametrize("name", ["database_url", "migration_database_url"])
def test_the_engine_names_the_setting_with_the_wrong_option(name: str) -> None:
    settings = settings_for_tests(f"{BASE}?schema=public")
    if name == "migration_database_url":
        settings = settings_for_tests(BASE, migration_database_url=settings.database_url)

    with pytest.raises(InvalidSettings, match=f"^{name.upper()} has the option schema, "):
        make_engine(owner_settings(settings))


SEVERAL: Final[dict[str, tuple[str, str, str]]] = {
    "with ports": ("h1:5432,h2:5433/d", "h1,h2", "5432,5433"),
    "without ports": ("h1,h2/d", "h1,h2", ","),
    "with one port": ("h1,h2:5433/d", "h1,h2", ",5433"),
    "by IPv6": ("[::1]:5432,[fe80::2],10.0.0.1:1/d", "::1,fe80::2,10.0.0.1", "5432,,1"),
    "three": ("a.example,b.example,c.example/d", "a.example,b.example,c.example", ",,"),
    "a socket": ("%2Frun%2Fpg:5433,h2:1/d", "/run/pg,h2", "5433,1"),
    "with options": ("h1:1,h2:2/d?target_session_attrs=read-write&sslmode=require", "h1,h2", "1,2"),
}


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
@pytest.mark.parametrize(("rest", "hosts", "ports"), SEVERAL.values(), ids=list(SEVERAL))
def test_several_hosts_reach_libpq(rest: str, hosts: str, ports: str, scheme: str) -> None:
    url = database_url(f"{scheme}://alice:p%40s?s,@{rest}")

    told = url.get_dialect()().create_connect_args(url)[1]
    assert (told["host"], told.get("port"), told["dbname"]) == (hosts, ports, "d")
    assert (told["user"], told["password"]) == ("alice", "p@s?s,")
    assert ("read-write" in rest) == (told.get("target_session_attrs") == "read-write")
    assert hosts_of(url) == hosts.split(",")


def test_several_hosts_need_neither_a_user_nor_a_database() -> None:
    assert hosts_of(database_url("postgresql://h1,h2")) == ["h1", "h2"]


@pytest.mark.parametrize(
    "query", ["host=a,b&port=1,2,3", "host=a:1&host=b:2&port=3", "host=::1:4&host=b", "port=zebra", "host=a&port=1,2"]
)
def test_hosts_and_ports_that_do_not_match_are_refused(query: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^DATABASE_URL has hosts and ports that do not match; write "):
        database_url(f"postgresql:///d?{query}")


@pytest.mark.parametrize(
    "rest", ["h1,h2/d?host=h3", "h1:x,h2/d", "h1,[zebra]/d", "h1:1:1,h2/d", "::1,h2/d", "h1,h2:99999x/d"]
)
def test_a_url_with_invalid_hosts_is_refused(rest: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^DATABASE_URL is not a URL; ") as refusal:
        database_url(f"postgresql://alice:hunter2@{rest}")

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("postgresql://alice:hunter2@h1:1,h2:2/d?sslmode=require", "postgresql://alice:***@h1,h2/d"),
        ("postgresql://alice@/d?host=h1:1&host=h2:2&password=hunter2", "postgresql://alice@h1,h2/d"),
        ("postgresql://alice@/d?host=h:5433", "postgresql://alice@h/d"),
        ("postgresql://alice@/d?host=fe80::1,h2", "postgresql://alice@[fe80::1,h2]/d"),
        ("postgresql://alice:hunter2@h:5433/d", "postgresql://alice:***@h:5433/d"),
        ("sqlite:///x.db?mode=ro", "sqlite:///x.db"),
    ],
)
def test_a_displayed_url_has_its_hosts_and_no_password(url: str, text: str) -> None:
    assert display_url(database_url(url)) == text


@pytest.fixture(params=["//{user}@{first},{second}/{name}?", "//{user}@/{name}?host={first}&host={second}&"])
def two_hosts(request: pytest.FixtureRequest, postgres: Databases) -> Iterator[Settings]:
    """Settings with two hosts, the first of which refuses connections, in both forms of libpq."""
    url = make_url(postgres.fresh())
    with socket.socket() as unused:  # bound, but not listening
        unused.bind(("127.0.0.1", 0))
        there = quote(str(url.query.get("host") or url.host), safe="")
        first, second = f"127.0.0.1:{unused.getsockname()[1]}", f"{there}:{url.port or 5432}"
        user = f"{url.username}:{quote(url.password)}" if url.password else url.username
        given = request.param.format(user=user, first=first, second=second, name=url.database)
        yield settings_for_tests(f"postgresql:{given}target_session_attrs=read-write")


async def test_the_second_host_is_used_where_the_first_refuses_connections(two_hosts: Settings) -> None:
    engine = make_engine(two_hosts)
    try:
        async with engine.connect() as connection:
            assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
    finally:
        await engine.dispose()
    with migration_engine(engine.url).connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
