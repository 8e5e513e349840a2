"""What a database URL says to libpq, the C library under psycopg: several hosts, and the options that it knows.

A URL is often shared with other programs, whose drivers have options of their own. libpq refuses them when it connects,
as if the database did, and names no setting.
"""

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
# What to do about the options of Prisma, node-postgres, asyncpg, JDBC, pgx, SQLAlchemy and those who host PostgreSQL.
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

# The hosts stand between the user and the path: name:port,[address]:port,...
_MULTI_HOST_URL: Final = re.compile(r"([a-z0-9+]+://(?:[^/@]*@)?)([^/?@]*,[^/?@]*)([^?]*)\??(.*)", re.DOTALL)
_HOST: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]*))(?::([0-9]*))?")


def with_hosts_as_options(given: str) -> str:
    """Return a URL that names several hosts, as libpq's own do, with these as options, which SQLAlchemy can read.

    Any other text comes back as it is.

    Raises:
        ValueError: one of them is no host.
    """
    match = _MULTI_HOST_URL.fullmatch(given)
    if match is None:
        return given
    before, hosts, path, query = match.groups()
    found = [_HOST.fullmatch(host) for host in hosts.split(",")]
    if not all(found) or re.search(r"(^|&)(host|port)=", query):
        raise ValueError("no host, or hosts in two places")
    names, ports = zip(*((match[1] or match[2], match[3] or "") for match in found if match), strict=True)
    options = [f"host={','.join(names)}", *([f"port={','.join(ports)}"] if any(ports) else []), *filter(None, [query])]
    return f"{before}{path}?{'&'.join(options)}"


def hosts_of(url: URL) -> list[str]:
    """Return the hosts that a URL names, in whichever form, without their ports."""
    given = url.query.get("host", ())
    listed = given.split(",") if isinstance(given, str) else given
    without_ports = (host.partition(":")[0] if host.count(":") == 1 else host for host in listed)
    return [*([url.host] if url.host else []), *without_ports]


def shown(url: URL) -> str:
    """Return a URL for people: with its hosts, and without its password and its options, which may hold one as well."""
    hosts = ",".join(hosts_of(url))
    return url.set(drivername=url.get_backend_name(), host=hosts or None, query={}).render_as_string(hide_password=True)


def check_options(url: URL, setting: str) -> None:
    """See that libpq can be told what a URL says, and knows every option of it.

    Raises:
        InvalidSettings: the message says which setting, which option, and what to write instead.
    """
    for name, value in url.query.items():
        if not name.isidentifier() or not name.isascii():  # not repeated: it may be part of a password
            raise InvalidSettings(f"{setting} has something behind its question mark that is no option; remove it")
        if name not in _OPTIONS:
            hint = _HINTS.get(name, _DEFAULT_HINT)
            raise InvalidSettings(f"{setting} has the option {name}, which libpq does not know; {hint}")
        if not isinstance(value, str) and name not in {"host", "port"}:
            raise InvalidSettings(f"{setting} has the option {name} twice; leave one of them out")
    if url.query.get("sslmode", "prefer") not in _SSL_MODES:
        raise InvalidSettings(
            f"{setting} has an sslmode that libpq does not know; it is one of {', '.join(_SSL_MODES)}, of which"
            " require encrypts without checking the certificate"
        )
    _check_hosts(url, setting)


def _check_hosts(url: URL, setting: str) -> None:
    hosts = url.query.get("host", ())
    try:
        url.get_dialect()().create_connect_args(url)
        is_readable = isinstance(hosts, str) or all(host.count(":") < 2 for host in hosts)
    except (ArgumentError, ValueError):
        is_readable = False
    if not is_readable:
        raise InvalidSettings(
            f"{setting} has hosts and ports that do not belong together; write //host1:5432,host2:5432/name"
        )
