"""The dialects of the serving engine: SQLAlchemy's own, but they close a connection without waiting.

The pool closes connections where nothing can be awaited: outside of SQLAlchemy's greenlet, when `plans.py` borrows a
connection that has to be replaced, and in the garbage collector. There an `await` raises MissingGreenlet. The pool logs
that, opens another connection, and the server keeps the old one as well.
"""

from typing import Any, Final, cast

from sqlalchemy import URL, Dialect
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.engine.interfaces import DBAPIConnection

# What stands before :// in the serving engine's URL.
POSTGRES: Final = "postgresql+litestead"
SQLITE: Final = "sqlite+litestead"


class PostgresDialect(PGDialectAsync_psycopg):
    """PostgreSQL through psycopg."""

    supports_statement_cache = True
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

    # Waits for the thread within a greenlet; outside of one it tells the thread to close, and does not wait.
    do_close = SQLiteDialect_aiosqlite.do_terminate


for _name, _dialect in ((POSTGRES, PostgresDialect), (SQLITE, SqliteDialect)):
    registry.register(_name.replace("+", "."), __name__, _dialect.__name__)
