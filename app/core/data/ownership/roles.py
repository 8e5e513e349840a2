"""Roles of PostgreSQL: whether a session for everyone can really read the rows of everyone."""

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
    """Refuse a role that is subject to row level security: without an owner it reads no rows, and gets no error.

    Raises:
        InvalidSettings: the message names the setting to change.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    tables = [table_name(model) for model in sorted_models()]
    is_restricted, role = (await session.execute(_IS_RESTRICTED, {"tables": tables})).one()
    if is_restricted:
        raise InvalidSettings(
            f"the role {role!r} is subject to row level security, and reads no rows without an owner; "
            "name the owner of the tables in MIGRATION_DATABASE_URL"
        )
