"""Database URLs for libpq, the C library under psycopg: several hosts, and a check of the options."""

import re
from collections.abc import Mapping
from typing import Final

from psycopg.pq import Conninfo
from sqlalchemy import URL
from sqlalchemy.exc import ArgumentError

from app.settings import InvalidSettings

_OPTIONS: Final = frozenset(option.keyword.decode() for option in Conninfo.get_defaults())
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SCHEMA_HINT: Final = "write options=-csearch_path%3DNAME, or leave it out where the schema is public"
_SSL_HINT: Final = "write sslmode=require, or sslmode=verify-full to check the certificate"
_POOL_HINT: Final = "set DATABASE_POOL_SIZE"
_TIMEOUT_HINT: Final = "set DATABASE_POOL_TIMEOUT, or write connect_timeout=SECONDS"
_REMOVE_HINT: Final = "leave it out"
# Options of Prisma, node-postgres, asyncpg, JDBC, pgx, SQLAlchemy and of PostgreSQL hosts, with what to write instead.
_HINTS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("schema", "currentSchema", "search_path"), _SCHEMA_HINT),
    **dict.fromkeys(("ssl", "sslaccept"), _SSL_HINT),
    **dict.fromkeys(("connection_limit", "pool_size", "max_size", "pool_max_conns"), _POOL_HINT),
    **dict.fromkeys(("pool_timeout", "timeout"), _TIMEOUT_HINT),
    **dict.fromkeys(("pgbouncer", "prepareThreshold", "prepare_threshold", "statement_cache_size"), _REMOVE_HINT),
    **dict.fromkeys(("uselibpqcompat", "supa", "workaround"), _REMOVE_HINT),
    "max_overflow": "set DATABASE_MAX_OVERFLOW",
    "pool_recycle": "set DATABASE_POOL_RECYCLE",
    "socket_timeout": "write tcp_user_timeout=MILLISECONDS",
    "charset": "write client_encoding=UTF8",
}
_DEFAULT_HINT: Final = "leave it out, or write a setting of the server as options=-cNAME%3DVALUE"

# The hosts are between the user and the path: name:port,[address]:port,...
_MULTI_HOST_URL: Final = re.compile(r"([a-z0-9+]+://(?:[^/@]*@)?)([^/?@]*,[^/?@]*)([^?]*)\??(.*)", re.DOTALL)
_HOST: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]*))(?::([0-9]*))?")


def with_hosts_as_options(url: str) -> str:
    """Return a URL with several hosts as one with `host` and `port` options; raise ValueError for invalid hosts."""
    # SQLAlchemy cannot parse several hosts.
    match = _MULTI_HOST_URL.fullmatch(url)
    if match is None:
        return url
    before, hosts, path, query = match.groups()
    parsed = [_HOST.fullmatch(host) for host in hosts.split(",")]
    if not all(parsed) or re.search(r"(^|&)(host|port)=", query):
        raise ValueError("an invalid host, or hosts in two places")
    names, ports = zip(*((host[1] or host[2], host[3] or "") for host in parsed if host), strict=True)
    options = [f"host={','.join(names)}", *([f"port={','.join(ports)}"] if any(ports) else []), *filter(None, [query])]
    return f"{before}{path}?{'&'.join(options)}"


def hosts_of(url: URL) -> list[str]:
    """Return the hosts of a URL, without their ports."""
    hosts = url.query.get("host", ())
    listed = hosts.split(",") if isinstance(hosts, str) else hosts
    without_ports = (host.partition(":")[0] if host.count(":") == 1 else host for host in listed)
    return [*([url.host] if url.host else []), *without_ports]


def display_url(url: URL) -> str:
    """Return the URL for display: without the password, and without options, which may contain one."""
    hosts = ",".join(hosts_of(url))
    return url.set(drivername=url.get_backend_name(), host=hosts or None, query={}).render_as_string(hide_password=True)


def check_options(url: URL, setting: str) -> None:
    """Raise InvalidSettings unless libpq accepts the options and the hosts of the URL."""
    # A URL is often shared with programs whose drivers have other options. libpq would refuse these only when it
    # connects, with an error that names no setting.
    for name, value in url.query.items():
        _check_option(name, value, setting)
    if url.query.get("sslmode", "prefer") not in _SSL_MODES:
        raise InvalidSettings(
            f"{setting} has an sslmode that libpq does not know; use one of {', '.join(_SSL_MODES)}"
            " (require encrypts without checking the certificate)"
        )
    _check_hosts(url, setting)


def _check_option(name: str, value: str | tuple[str, ...], setting: str) -> None:
    if not name.isidentifier() or not name.isascii():
        # The text may be part of a password, so the message does not repeat it.
        raise InvalidSettings(f"{setting} has text after its question mark that is not an option; remove it")
    if name not in _OPTIONS:
        hint = _HINTS.get(name, _DEFAULT_HINT)
        raise InvalidSettings(f"{setting} has the option {name}, which libpq does not know; {hint}")
    if not isinstance(value, str) and name not in {"host", "port"}:
        raise InvalidSettings(f"{setting} has the option {name} twice; leave one of them out")


def _check_hosts(url: URL, setting: str) -> None:
    hosts = url.query.get("host", ())
    try:
        url.get_dialect()().create_connect_args(url)
        is_readable = isinstance(hosts, str) or all(host.count(":") < 2 for host in hosts)
    except (ArgumentError, ValueError):
        is_readable = False
    if not is_readable:
        raise InvalidSettings(f"{setting} has hosts and ports that do not match; write //host1:5432,host2:5432/name")
