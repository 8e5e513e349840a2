"""Checks of the live database: its migrations, its tables, and the privileges of its role."""

from typing import Any, Final

from sqlalchemy import text
from sqlmodel import SQLModel

from app.core.data.connection.engine import database_url
from app.core.data.errors import MigrationError
from app.core.data.schema.drift import drift
from app.core.data.schema.engines import owner_settings, reading_engine
from app.core.data.schema.inspection import altered_protections, unenforced_constraints
from app.core.data.schema.revisions import applied, known_revisions, pending, unknown_among
from app.core.ops.checks.registry import Context, Messages, check
from app.settings import Settings

_RLS_OF_ROLE: Final = text("""
    SELECT current_user AS name, rolsuper OR rolbypassrls AS bypasses,
        (SELECT coalesce(bool_and(row_security_active(oid)), true) FROM pg_class
         WHERE relrowsecurity AND relkind IN ('r', 'p')) AS obeys_rls
    FROM pg_roles WHERE rolname = current_user
""")

_MISSING_PRIVILEGES: Final = text("""
    SELECT name, "right" FROM unnest(CAST(:tables AS text[])) AS name,
        unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS "right"
    WHERE NOT has_table_privilege(to_regclass(quote_ident(name)), "right")
    UNION ALL SELECT 'alembic_version', 'SELECT'
    WHERE NOT has_table_privilege(to_regclass('alembic_version'), 'SELECT')
""")
_WRITABLE_VERSIONS: Final = text("""
    SELECT oid FROM pg_class WHERE oid = to_regclass('alembic_version')
        AND has_table_privilege(oid, 'INSERT, UPDATE, DELETE') AND NOT pg_has_role(relowner, 'USAGE')
""")


@check("data.E001", hint="Run `app migrate`.", needs_database=True)
async def migrations_are_applied(context: Context) -> Messages:
    """The database has all migrations of this version."""
    if missing := _pending(context.settings):
        yield f"The database lacks {', '.join(missing)}."


@check(
    "data.W002",
    hint="Deploy the version that has it; until then this version can serve.",
    needs_database=True,
)
async def no_migration_is_unknown(context: Context) -> Messages:
    """This version has all migrations of the database."""
    if unknown := unknown_among(applied(context.settings)):
        yield f"The database is newer than this version, which lacks {', '.join(unknown)}."


@check("data.E009", hint="Run `app makemigrations --merge`.", needs_database=True)
async def migrations_have_one_head(context: Context) -> Messages:
    """The migrations have one head."""
    try:
        pending(context.settings)
    except MigrationError as error:
        yield f"The migrations cannot be applied: {error}."


@check(
    "data.E003",
    hint="Revert the change, or make it in the models and run `app makemigrations NAME`.",
    deploy=True,
    needs_database=True,
)
async def tables_match_the_models(context: Context) -> Messages:
    """Columns, indexes and keys match the models; tables without a model are ignored."""
    if is_current(context.settings):
        for operation in drift(owner_settings(context.settings)):
            if message := _difference(operation[0] if isinstance(operation, list) else operation):
                yield f"The database differs from the models: {message}."


@check(
    "data.E005",
    hint="Revert the change, or repair it in a migration, e.g. with op.unprotect_owner() and op.protect_owner().",
    deploy=True,
    needs_database=True,
)
async def protections_are_in_place(context: Context) -> Messages:
    """Triggers, policies and constraints exist, unchanged and enabled."""
    if is_current(context.settings):
        url = database_url(owner_settings(context.settings).database_url.get_secret_value())
        with reading_engine(url).connect() as connection:
            for message in (*altered_protections(connection, SQLModel.metadata), *unenforced_constraints(connection)):
                yield message


@check(
    "security.W001",
    hint="Serve with a role that does not own the tables; the README has the SQL.",
    deploy=True,
    needs_database=True,
)
async def rls_applies_to_the_role(context: Context) -> Messages:
    """Row level security applies to the role that serves."""
    for role in await context.ask_postgres(_RLS_OF_ROLE):
        if role.bypasses:
            yield f"The role {role.name!r} bypasses row level security (superuser or BYPASSRLS)."
        elif not role.obeys_rls:
            yield f"The role {role.name!r} owns the tables, so row level security does not apply to it."


@check(
    "security.E005",
    hint="Grant it SELECT, INSERT, UPDATE and DELETE on the tables, SELECT on alembic_version; the README has the SQL.",
    deploy=True,
    needs_database=True,
)
async def role_has_privileges(context: Context) -> Messages:
    """The role that serves can read and write all tables, within the policies."""
    for table, right in await context.ask_postgres(_MISSING_PRIVILEGES, tables=list(SQLModel.metadata.tables)):
        yield f"The role that serves has no {right} on {table}."


@check(
    "security.W007",
    hint="Run REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM that role.",
    deploy=True,
    needs_database=True,
)
async def role_cannot_change_alembic_version(context: Context) -> Messages:
    """The role that serves cannot change the list of applied migrations."""
    if await context.ask_postgres(_WRITABLE_VERSIONS):
        yield "The role that serves may change alembic_version."


def _pending(settings: Settings) -> list[str]:
    try:
        return pending(settings)
    except MigrationError:
        return []  # data.E009 reports it


def is_current(settings: Settings) -> bool:
    """Return whether the database has all migrations, so that it can be compared with the models."""
    return applied(settings) == tuple(known_revisions().newest)


def _difference(operation: tuple[Any, ...]) -> str | None:
    kind, named = operation[0], [part for part in operation[1:] if part is not None]
    action = kind.replace("_", " ")
    table = getattr(named[0], "table", named[0])
    name = getattr(table, "name", table)
    # data.E005 reports protections.
    if kind in {"add_protection", "remove_protection"} or name not in SQLModel.metadata.tables:
        return None
    parts = " ".join(str(getattr(part, "name", part)) for part in named[:2] if part is not table and part != name)
    return f"{action} {parts} on {name}" if parts else f"{action} {name}"
