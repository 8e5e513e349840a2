"""Roles of PostgreSQL: the check that a session for all owners can read the rows of all owners."""

from typing import Final

from sqlalchemy import text

from app.core.data.ownership.session import AppSession
from app.core.data.tables.registry import sorted_models, table_name
from app.settings import InvalidSettings

_IS_RESTRICTED: Final = text("""
    SELECT coalesce(bool_or(row_security_active(oid)), false), current_user FROM pg_class
    WHERE relrowsecurity AND relname = ANY(:tables) AND pg_table_is_visible(oid)
""")


async def refuse_restricted_role(session: AppSession) -> None:
    """Raise InvalidSettings for a role under row level security: it would read no rows, without an error."""
    if session.get_bind().dialect.name != "postgresql":
        return
    tables = [table_name(model) for model in sorted_models()]
    is_restricted, role = (await session.execute(_IS_RESTRICTED, {"tables": tables})).one()
    if is_restricted:
        raise InvalidSettings(
            f"the role {role!r} is subject to row level security, and reads no rows without an owner; "
            "name the owner of the tables in MIGRATION_DATABASE_URL"
        )
