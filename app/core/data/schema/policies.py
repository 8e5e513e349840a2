"""Policies: PostgreSQL's row level security of a table of users; `connection/rls.py` sets the owner."""

from app.core.data.connection.rls import OWNER_SETTING
from app.core.data.schema.quoting import quoted
from app.core.data.tables.indexes import OWNER_COLUMN


def policy_of(table: str) -> str:
    """Return the name of a table's policy."""
    return f"{table}_owner"


def enable_policy(table: str) -> list[str]:
    """Return the statements after which a role sees and writes the rows of the present owner only."""
    is_own = f"{OWNER_COLUMN} = nullif(current_setting('{OWNER_SETTING}', true), '')"
    return [
        f"ALTER TABLE {quoted(table)} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY {quoted(policy_of(table))} ON {quoted(table)} USING ({is_own}) WITH CHECK ({is_own})",
    ]


def drop_policy(table: str) -> str:
    """Return the statement that drops the policy; it does nothing where there is none."""
    return f"DROP POLICY IF EXISTS {quoted(policy_of(table))} ON {quoted(table)}"
