"""Checks of partitions, Citus and poolers: row level security must apply on each server and partition."""

from typing import Final

from sqlalchemy import String, func, select, text

from app.core.data.connection.execution import execute_on_engine
from app.core.data.connection.rls import OWNER_SETTING
from app.core.data.tables.owned import OWNER_COLUMN
from app.core.data.tables.registry import private_table_names
from app.core.ops.checks.registry import Context, Messages, check

# A partition inherits the triggers of its table, but not its policies; DEFAULT PRIVILEGES give the role rights on it.
_OPEN_PARTITIONS: Final = text("""
    WITH RECURSIVE part (whole, oid) AS (
        SELECT oid, oid FROM pg_class WHERE relname = ANY(:tables) AND pg_table_is_visible(oid)
        UNION ALL SELECT whole, inhrelid FROM part JOIN pg_inherits ON inhparent = part.oid)
    SELECT CAST(CAST(oid AS regclass) AS text), CAST(CAST(whole AS regclass) AS text) FROM part
    WHERE row_security_active(whole) AND NOT row_security_active(oid)
        AND has_table_privilege(oid, 'SELECT, INSERT, UPDATE, DELETE')
    ORDER BY 1
""")
_ROLES_UNDER_RLS: Final = text("""
    SELECT current_user FROM pg_class WHERE relrowsecurity AND relkind IN ('r', 'p') AND pg_table_is_visible(oid)
    HAVING bool_or(row_security_active(oid))
""")
_CITUS_VERSION: Final = text("SELECT extversion FROM pg_extension WHERE extname = 'citus'")
_LOCAL_TABLES: Final = text("""
    SELECT name FROM unnest(CAST(:tables AS text[])) AS name
    WHERE NOT EXISTS (
        SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass(quote_ident(name))
            AND column_to_column_name(logicalrelid, partkey) = :owner)
    ORDER BY 1
""")
_PROBE: Final = "app check --deploy"


@check(
    "security.E006",
    hint="ALTER TABLE ... ENABLE ROW LEVEL SECURITY on each partition (no policy is needed), or REVOKE ALL on it.",
    deploy=True,
    needs_database=True,
)
async def partitions_have_rls(context: Context) -> Messages:
    """No partition shows rows to the role that serves if the policies of the table hide them."""
    for part, whole in await context.ask_postgres(_OPEN_PARTITIONS, tables=private_table_names()):
        yield f"Row level security applies to {whole}, but not to its partition {part}, which the role can use."


@check(
    "data.E007",
    hint="Run SELECT create_distributed_table(...) by user_id, also for the tables that it refers to.",
    deploy=True,
    needs_database=True,
)
async def tables_are_distributed(context: Context) -> Messages:
    """On Citus, every owned table is distributed by its owner; foreign keys cannot include local tables."""
    if await context.ask_postgres(_CITUS_VERSION):
        for (table,) in await context.ask_postgres(_LOCAL_TABLES, tables=private_table_names(), owner=OWNER_COLUMN):
            yield f"The table {table} is not distributed by {OWNER_COLUMN}."


@check(
    "security.E007",
    hint="Remove the pooler, or serve as the owner of the tables, to which no policy applies.",
    deploy=True,
    needs_database=True,
)
async def owner_reaches_postgres(context: Context) -> Messages:
    """PostgreSQL receives the owner of each statement, if policies apply to the role that serves."""
    for (role,) in await context.ask_postgres(_ROLES_UNDER_RLS):
        told = select(func.current_setting(OWNER_SETTING, True, type_=String))
        if await execute_on_engine(context.engine.sync_engine, _PROBE, told, {}) != [(_PROBE,)]:
            yield f"The owner of a statement does not reach PostgreSQL, so the role {role} finds no rows."
        elif await context.ask_postgres(_CITUS_VERSION):  # Citus does not forward set_config()
            yield f"Citus does not send the owner of a statement to its workers, so {role} finds no rows there."
