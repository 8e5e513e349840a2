"""Checks of views and SECURITY DEFINER functions, which bypass row level security with the rights of their owner."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import text
from sqlmodel import SQLModel

from app.core.data.schema.quoting import quoted
from app.core.data.tables.owned import OWNER_COLUMN
from app.core.data.tables.registry import private_table_names
from app.core.ops.checks.registry import Context, Messages, check

# Views that read owned tables, directly or through other views. The rights of the view directly above a table count.
# A materialised view was filled with the rights of its owner.
_VIEWS_OF_TABLES: Final = """
    WITH RECURSIVE view AS (
        SELECT ev_class AS oid, refobjid AS reads, relkind = 'm' AS is_stored, relkind = 'm' OR NOT EXISTS (
            SELECT FROM pg_options_to_table(reloptions)
            WHERE option_name = 'security_invoker' AND option_value::boolean) AS has_rights
        FROM pg_rewrite JOIN pg_depend ON objid = pg_rewrite.oid JOIN pg_class c ON c.oid = ev_class
        WHERE classid = 'pg_rewrite'::regclass AND refclassid = 'pg_class'::regclass AND relkind IN ('v', 'm')
    ), reader AS (
        SELECT view.oid, reads AS whose, has_rights AS is_open FROM view JOIN pg_class c ON c.oid = reads
        WHERE relname = ANY(:tables) AND pg_table_is_visible(c.oid)
        UNION SELECT view.oid, whose, is_open OR is_stored
        FROM reader JOIN view ON reads = reader.oid AND view.oid <> reads)
    SELECT DISTINCT relname, CAST(CAST(whose AS regclass) AS text) AS whose
    FROM reader JOIN pg_class c ON c.oid = reader.oid
"""
_OPEN_VIEWS: Final = text(
    _VIEWS_OF_TABLES
    + """
    WHERE is_open AND row_security_active(whose) AND has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE')
    ORDER BY 1, 2
"""
)
_VIEWS: Final = text(_VIEWS_OF_TABLES + "WHERE pg_table_is_visible(c.oid) ORDER BY 1, 2")
_SQLITE_VIEWS: Final = text("SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY rowid")
_DEFINER_FUNCTIONS: Final = text("""
    SELECT CAST(CAST(p.oid AS regprocedure) AS text) FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
    WHERE prosecdef AND nspname NOT IN ('pg_catalog', 'information_schema') AND NOT pg_has_role(proowner, 'USAGE')
        AND prorettype NOT IN (CAST('trigger' AS regtype), CAST('event_trigger' AS regtype))
        AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE')
        AND EXISTS (SELECT FROM pg_class WHERE relrowsecurity AND row_security_active(pg_class.oid))
    ORDER BY 1
""")


@check(
    "security.E008",
    hint="ALTER VIEW ... SET (security_invoker = true), or REVOKE ALL on it; a materialised view can only be revoked.",
    deploy=True,
    needs_database=True,
)
async def views_obey_rls(context: Context) -> Messages:
    """No view shows rows to the role that serves if the policies of the tables hide them."""
    for view, table in await context.ask_postgres(_OPEN_VIEWS, tables=private_table_names()):
        yield f"The view {view} reads {table} and bypasses its row level security: it has the rights of its owner."


@check(
    "security.W008",
    hint="Make sure that it uses only rows of the caller, or REVOKE EXECUTE ON FUNCTION ... FROM PUBLIC.",
    deploy=True,
    needs_database=True,
)
async def functions_obey_rls(context: Context) -> Messages:
    """The role that serves cannot call a function that runs with the rights of another role."""
    for (function,) in await context.ask_postgres(_DEFINER_FUNCTIONS):
        yield f"The function {function} is SECURITY DEFINER: it bypasses row level security for every caller."


@check(
    "data.E008",
    hint=f"Add the column {OWNER_COLUMN} to it, so that each user reads only the rows of that user.",
    needs_database=True,
)
async def mapped_views_have_owners(context: Context) -> Messages:
    """A view of owned tables with a model has the owner's column."""
    async for view, table in _views_of_owned(context):
        mapped = SQLModel.metadata.tables.get(view)
        if mapped is not None and OWNER_COLUMN not in mapped.c:
            yield f"The view {view} reads {table} and has no {OWNER_COLUMN}: every user can read the rows of all users."


async def _views_of_owned(context: Context) -> AsyncIterator[tuple[str, str]]:
    for view, table in await context.ask_postgres(_VIEWS, tables=private_table_names()):
        yield view, table
    if context.engine.dialect.name == "sqlite":
        async with context.engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            for view in (await connection.execute(_SQLITE_VIEWS)).scalars().all():
                for table in sorted(await _tables_read_by(driver, view) & set(private_table_names())):
                    yield view, table


async def _tables_read_by(driver: Any, view: str) -> set[str]:
    tables: set[str] = set()

    def record(action: int, table: str, *_: str | None) -> int:
        if action == sqlite3.SQLITE_READ:
            tables.add(table)
        return sqlite3.SQLITE_OK

    # SQLite reports all tables that the view reads, also through other views.
    await driver.set_authorizer(record)
    with suppress(sqlite3.OperationalError):  # a broken view
        await driver.execute(f"EXPLAIN SELECT * FROM {quoted(view)}")  # noqa: S608  # a name, quoted
    await driver.set_authorizer(None)
    return tables
