"""The dialects of the application's engine: SQLAlchemy's own, with these changes.

They close a connection without waiting. The pool closes connections where nothing can be awaited: outside of
SQLAlchemy's greenlet, when `connection/compiled.py` borrows a connection that has to be replaced, and in the garbage
collector. There an `await` raises MissingGreenlet. The pool logs that, opens another connection, and the server keeps
the old one too.

And each has a twin that is `Scoped`, whose compiler writes owned tables as their owner's part: see `compiler.py`.
"""

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
from app.core.data.sql.compiler import OwnerCompiler
from app.core.data.sql.raw_sql import NoDDL, NoRawSql, NoRawTypes

# What stands before :// in the engine's URL.
POSTGRES_DRIVERNAME: Final = "postgresql+litestead"
SQLITE_DRIVERNAME: Final = "sqlite+litestead"


# SQLAlchemy quotes a name that is among its reserved words; these are reserved as well. Its own lists are completed,
# because migrations use its own dialects.
PGIdentifierPreparer_psycopg.reserved_words |= {"collation", "concurrently", "lateral", "system_user", "tablesample"}
SQLiteIdentifierPreparer.reserved_words |= {"nothing", "returning"}

_REWRITTEN_MARK: Final = re.compile(r"[\x00-\x1f]|__\[|%\(\w*\)")


class _QuotingPreparer(IdentifierPreparer):
    def quote(self, ident: str) -> str:
        # SQLAlchemy replaces its marks in the SQL, also within quotes; and a line ends a comment.
        if _REWRITTEN_MARK.search(ident):
            raise UnreachableStatement(f"The name {ident!r} has a mark in it that SQLAlchemy replaces; choose another.")
        # A name that says `quote=False` would be written as it is: it is a way to write SQL.
        return super().quote(f"{ident}" if getattr(ident, "quote", None) is False else ident)


class _PostgresPreparer(_QuotingPreparer, PGIdentifierPreparer_psycopg):
    pass


class _SqlitePreparer(_QuotingPreparer, SQLiteIdentifierPreparer):
    pass


class ScopedDialect:
    """The mark of a dialect whose statements are all about one owner."""

    @property
    def type_compiler_instance(self) -> TypeCompiler:
        """What writes the names of types: another than the twin's, with which the attributes are shared."""
        dialect = cast("DefaultDialect", self)
        return dialect.type_compiler_cls(dialect)


class PostgresDialect(PGDialectAsync_psycopg):
    """PostgreSQL through psycopg."""

    supports_statement_cache = True
    preparer = _PostgresPreparer
    has_terminate = True  # the garbage collector may close what was never given back

    @classmethod
    def get_async_dialect_cls(cls, url: URL) -> type[Dialect]:
        """Return this class for an async engine; SQLAlchemy's own names the class that this one is derived from."""
        return cls

    def do_terminate(self, dbapi_connection: DBAPIConnection) -> None:
        """Close the connection at once; psycopg's own close() does the same, behind an `await`."""
        cast("Any", dbapi_connection).driver_connection.pgconn.finish()

    do_close = do_terminate


class SqliteDialect(SQLiteDialect_aiosqlite):
    """SQLite through aiosqlite, whose connections are threads."""

    supports_statement_cache = True
    preparer = _SqlitePreparer

    # Waits for the thread within a greenlet; outside of one it tells the thread to close, and does not wait.
    do_close = SQLiteDialect_aiosqlite.do_terminate


class _ScopedPostgresCompiler(NoRawSql, OwnerCompiler, PGCompiler_psycopg):
    pass


class _ScopedSqliteCompiler(NoRawSql, OwnerCompiler, SQLiteCompiler):
    pass


class _ScopedPostgresTypes(NoRawTypes, PGTypeCompiler):
    pass


class _ScopedSqliteTypes(NoRawTypes, SQLiteTypeCompiler):
    pass


class ScopedPostgresDialect(ScopedDialect, PostgresDialect):  # type: ignore[override]  # it is not constructed
    """PostgreSQL, as one owner's statements are written."""

    supports_statement_cache = True
    statement_compiler = _ScopedPostgresCompiler
    type_compiler_cls = _ScopedPostgresTypes
    ddl_compiler = NoDDL  # type: ignore[assignment]  # it writes nothing that could differ


class ScopedSqliteDialect(ScopedDialect, SqliteDialect):  # type: ignore[override]
    """SQLite, as one owner's statements are written."""

    supports_statement_cache = True
    statement_compiler = _ScopedSqliteCompiler
    type_compiler_cls = _ScopedSqliteTypes
    ddl_compiler = NoDDL  # type: ignore[assignment]  # it writes nothing that could differ


def scoped_dialect(dialect: Dialect) -> Dialect:
    """Return the served dialect of a plain one; both are one in all but their compilers."""
    return _variant(dialect, ScopedSqliteDialect if isinstance(dialect, SqliteDialect) else ScopedPostgresDialect)


def unscoped_dialect(dialect: Dialect) -> Dialect:
    """Return the plain dialect of a served one."""
    return _variant(dialect, SqliteDialect if isinstance(dialect, SqliteDialect) else PostgresDialect)


def _variant(dialect: Dialect, kind: type[Dialect]) -> Dialect:
    """Return the one twin of this class: statements are kept by their dialect, so it must not be made twice.

    Twins share their attributes, because SQLAlchemy sets some when it makes the first connection, on one of them.
    """
    variants: dict[type[Dialect], Dialect] = vars(dialect).setdefault("variants", {type(dialect): dialect})
    if kind not in variants:
        variants[kind] = object.__new__(kind)
        variants[kind].__dict__ = vars(dialect)
    return variants[kind]


for _name, _dialect in ((POSTGRES_DRIVERNAME, PostgresDialect), (SQLITE_DRIVERNAME, SqliteDialect)):
    registry.register(_name.replace("+", "."), __name__, _dialect.__name__)
