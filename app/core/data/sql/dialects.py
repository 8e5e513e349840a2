"""The dialects of the application's engines: they extend SQLAlchemy's, and each has a scoped variant."""

import re
from typing import Any, Final, cast

from sqlalchemy import URL, Dialect
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGTypeCompiler
from sqlalchemy.dialects.postgresql.psycopg import (
    PGCompiler_psycopg,
    PGDialectAsync_psycopg,
    PGIdentifierPreparer_psycopg,
)
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler, SQLiteIdentifierPreparer, SQLiteTypeCompiler
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.sql.compiler import IdentifierPreparer, TypeCompiler

from app.core.data.errors import UnreachableStatement
from app.core.data.sql.derived_compiler import DerivedCompiler
from app.core.data.sql.owner_compiler import OwnerCompiler
from app.core.data.sql.raw_sql import NoDDL, NoRawSql, NoRawTypes

# The URL of an engine starts with one of these.
POSTGRES_DRIVERNAME: Final = "postgresql+litestead"
SQLITE_DRIVERNAME: Final = "sqlite+litestead"

# SQLAlchemy quotes a name that is in its list of reserved words, but these words are missing. They are added to
# SQLAlchemy's lists, because migrations use SQLAlchemy's dialects.
PGIdentifierPreparer_psycopg.reserved_words |= {"collation", "concurrently", "lateral", "system_user", "tablesample"}
SQLiteIdentifierPreparer.reserved_words |= {"nothing", "returning"}

_REWRITTEN_MARK: Final = re.compile(r"[\x00-\x1f]|__\[|%\(\w*\)")


class _QuotingPreparer(IdentifierPreparer):
    def quote(self, ident: str) -> str:
        # SQLAlchemy replaces these marks in the finished SQL, also inside quotes. A line break would end a comment.
        if _REWRITTEN_MARK.search(ident):
            raise UnreachableStatement(f"The name {ident!r} contains a mark that SQLAlchemy replaces; choose another.")
        # `quoted_name(x, quote=False)` is written without quotes, so it could contain SQL. This quotes it.
        return super().quote(f"{ident}" if getattr(ident, "quote", None) is False else ident)


class _PostgresPreparer(_QuotingPreparer, PGIdentifierPreparer_psycopg):
    pass


class _SqlitePreparer(_QuotingPreparer, SQLiteIdentifierPreparer):
    pass


class ScopedDialect:
    """The mixin of the dialects that limit every statement to one owner."""

    @property
    def type_compiler_instance(self) -> TypeCompiler:
        # A property: as an attribute it would be shared with the unscoped variant, see `_variant`.
        dialect = cast("DefaultDialect", self)
        return dialect.type_compiler_cls(dialect)


class _PostgresCompiler(DerivedCompiler, PGCompiler_psycopg):
    pass


class _SqliteCompiler(DerivedCompiler, SQLiteCompiler):
    pass


class PostgresDialect(PGDialectAsync_psycopg):
    """PostgreSQL through psycopg."""

    supports_statement_cache = True
    statement_compiler = _PostgresCompiler
    preparer = _PostgresPreparer
    has_terminate = True  # the garbage collector can close a connection that was not returned to the pool

    @classmethod
    def get_async_dialect_cls(cls, url: URL) -> type[Dialect]:
        return cls  # SQLAlchemy's method returns its own class

    def do_terminate(self, dbapi_connection: DBAPIConnection) -> None:
        # Problem: the pool also closes connections outside of SQLAlchemy's greenlet: in the garbage collector, and
        # when it replaces a connection that was checked out without one (see `connection/execution.py`). An `await`
        # raises MissingGreenlet there; the pool logs it, opens another connection, and the server keeps the old one.
        # Decision: call libpq's PQfinish, as psycopg's `close()` does.
        cast("Any", dbapi_connection).driver_connection.pgconn.finish()

    do_close = do_terminate


class SqliteDialect(SQLiteDialect_aiosqlite):
    """SQLite through aiosqlite, whose connections are threads."""

    supports_statement_cache = True
    statement_compiler = _SqliteCompiler
    preparer = _SqlitePreparer

    # In a greenlet it waits for the thread to close the connection; outside of one it does not wait.
    do_close = SQLiteDialect_aiosqlite.do_terminate


class _ScopedPostgresCompiler(NoRawSql, OwnerCompiler, _PostgresCompiler):
    pass


class _ScopedSqliteCompiler(NoRawSql, OwnerCompiler, _SqliteCompiler):
    pass


class _ScopedPostgresTypes(NoRawTypes, PGTypeCompiler):
    pass


class _ScopedSqliteTypes(NoRawTypes, SQLiteTypeCompiler):
    pass


class ScopedPostgresDialect(ScopedDialect, PostgresDialect):  # type: ignore[override]  # a property there
    """PostgreSQL, with every statement limited to one owner."""

    supports_statement_cache = True
    statement_compiler = _ScopedPostgresCompiler
    type_compiler_cls = _ScopedPostgresTypes
    ddl_compiler = NoDDL  # type: ignore[assignment]  # another base class


class ScopedSqliteDialect(ScopedDialect, SqliteDialect):  # type: ignore[override]
    """SQLite, with every statement limited to one owner."""

    supports_statement_cache = True
    statement_compiler = _ScopedSqliteCompiler
    type_compiler_cls = _ScopedSqliteTypes
    ddl_compiler = NoDDL  # type: ignore[assignment]  # another base class


def scoped_dialect(dialect: Dialect) -> Dialect:
    """Return the scoped variant of a dialect, which has other compilers."""
    return _variant(dialect, ScopedSqliteDialect if isinstance(dialect, SqliteDialect) else ScopedPostgresDialect)


def unscoped_dialect(dialect: Dialect) -> Dialect:
    """Return the unscoped variant of a dialect."""
    return _variant(dialect, SqliteDialect if isinstance(dialect, SqliteDialect) else PostgresDialect)


def _variant(dialect: Dialect, kind: type[Dialect]) -> Dialect:
    # One variant of each class, because the dialect is in the keys of SQLAlchemy's statement caches. The variants share
    # one __dict__, because SQLAlchemy sets attributes on the dialect of the first connection only.
    variants: dict[type[Dialect], Dialect] = vars(dialect).setdefault("variants", {type(dialect): dialect})
    if kind not in variants:
        variants[kind] = object.__new__(kind)
        variants[kind].__dict__ = vars(dialect)
    return variants[kind]


for _name, _dialect in ((POSTGRES_DRIVERNAME, PostgresDialect), (SQLITE_DRIVERNAME, SqliteDialect)):
    registry.register(_name.replace("+", "."), __name__, _dialect.__name__)
