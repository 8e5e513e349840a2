"""Reads the protections of a live database back as statements, and compares them with those of the models."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from sqlalchemy import Connection, MetaData, text

from app.core.data.schema.linked_rows import DETACH_PREFIX, LinkedRows
from app.core.data.schema.protections import (
    CLEAR_PREFIX,
    OWNER_SUFFIX,
    ClearedReference,
    OwnerProtection,
    Protection,
    protections_of,
)

_SQLITE: Final = "SELECT sql FROM sqlite_master WHERE type = 'trigger'"
# Each row is the statement that would create the object again. A disabled trigger counts as missing.
_POSTGRES: Final = """
    SELECT pg_get_triggerdef(oid, true) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')
    UNION ALL
    SELECT format('CREATE FUNCTION %I() RETURNS trigger LANGUAGE plpgsql AS $$%s$$', p.proname, p.prosrc)
    FROM pg_proc p WHERE p.prorettype = 'trigger'::regtype AND pg_function_is_visible(p.oid)
    UNION ALL
    SELECT format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', relname) FROM pg_class
    WHERE relrowsecurity AND pg_table_is_visible(oid)
    UNION ALL
    SELECT format('CREATE POLICY %I ON %I', policyname, tablename)
        || CASE WHEN cmd = 'ALL' THEN '' ELSE ' FOR ' || cmd END
        || CASE WHEN roles = '{public}' THEN '' ELSE ' TO ' || array_to_string(roles, ', ') END
        || coalesce(' USING (' || qual || ')', '') || coalesce(' WITH CHECK (' || with_check || ')', '')
    FROM pg_policies WHERE schemaname = current_schema() AND permissive = 'PERMISSIVE'
    UNION ALL
    SELECT format('ALTER TABLE %I DROP CONSTRAINT IF EXISTS pk_%s', relname, relname) FROM pg_class c
    WHERE relkind IN ('r', 'p') AND pg_table_is_visible(oid) AND NOT EXISTS (
        SELECT FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
        WHERE indrelid = c.oid AND attname = 'id')
    UNION ALL
    SELECT format('ALTER TABLE %I REPLICA IDENTITY USING INDEX %I', c.relname, i.relname) FROM pg_index
    JOIN pg_class c ON c.oid = indrelid JOIN pg_class i ON i.oid = indexrelid
    WHERE indisreplident AND c.relreplident = 'i' AND pg_table_is_visible(c.oid)
"""
_UNENFORCED: Final = text("""
    SELECT format('The constraint %I of %s is not validated.', conname, conrelid::regclass) FROM pg_constraint
    WHERE NOT convalidated AND connamespace = current_schema()::regnamespace
    UNION ALL
    SELECT format('The index %s is not valid.', indexrelid::regclass) FROM pg_index
    JOIN pg_class c ON c.oid = indrelid WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace
    UNION ALL
    SELECT DISTINCT format('The foreign keys of %s are disabled.', tgrelid::regclass) FROM pg_trigger
    WHERE tgisinternal AND tgenabled NOT IN ('O', 'A')
""")

# PostgreSQL clones a foreign key to a partitioned table for each partition.
_CLONED: Final = text("""
    SELECT relname, conname FROM pg_constraint JOIN pg_class c ON c.oid = conrelid
    WHERE contype = 'f' AND conparentid <> 0 AND pg_table_is_visible(c.oid)
""")

_NAME: Final = r'"?((?:[^"\s(]|"")+)"?'
_NAMED: Final = re.compile(f"CREATE (?:TRIGGER|FUNCTION) {_NAME}")
_POLICY: Final = re.compile(f"CREATE POLICY {_NAME} ON {_NAME}")
_TARGET: Final = re.compile(f" DELETE ON {_NAME}")
_CLEARED: Final = re.compile(rf"UPDATE {_NAME} SET {_NAME} = NULL(?:, {_NAME} = )?")  # noqa: S608  # a pattern, not a query
_DETACHED: Final = re.compile(rf"UPDATE {_NAME} SET (?:{_NAME} = .*?, )?{_NAME} = \(SELECT")  # noqa: S608


class DatabaseProtections(NamedTuple):
    """The statements of a database by their normalized text, and the protections that they belong to."""

    dialect: str
    statements: dict[str, str]
    protections: frozenset[Protection]

    def has(self, protection: Protection) -> bool:
        return {_normalized(statement) for statement in protection.definition(self.dialect)} <= self.statements.keys()


def read_protections(connection: Connection) -> DatabaseProtections:
    """Read the protections of a database, also of tables and references that the models no longer have."""
    dialect = connection.dialect.name
    query = _SQLITE if dialect == "sqlite" else _POSTGRES
    statements = {_normalized(statement): statement for statement in connection.execute(text(query)).scalars()}
    texts: dict[str, str] = {}
    for statement in statements.values():
        if found := _NAMED.match(statement):
            texts[found[1]] = texts.get(found[1], "") + statement
    return DatabaseProtections(dialect, statements, frozenset(filter(None, map(_parsed, texts, texts.values()))))


def altered_protections(connection: Connection, metadata: MetaData) -> Iterator[str]:
    """Yield a sentence for each protection that is missing, altered or obsolete, and for each additional policy."""
    held = read_protections(connection)
    expected = {protection.name: protection for protection in protections_of(metadata)}
    for protection in expected.values():
        if not held.has(protection):
            yield f"The protection of op.{protection.call} is missing or altered."
    for protection in held.protections:
        if protection.name not in expected and protection.tables & metadata.tables.keys():
            yield f"The protection of op.{protection.call} is obsolete."
    # PostgreSQL joins permissive policies with OR, so an additional policy can show the rows of other users.
    policies = {protection.policy for protection in expected.values() if not isinstance(protection, ClearedReference)}
    for statement in held.statements.values():
        found = _POLICY.match(statement)
        if found and found[1] not in policies and found[2] in metadata.tables:
            yield f"The policy {found[1]} of {found[2]} can show rows of other users."


def unenforced_constraints(connection: Connection) -> list[str]:
    """Return a sentence for each constraint and index that is not enforced; SQLite has none."""
    if connection.dialect.name == "sqlite":
        return []
    return list(connection.execute(_UNENFORCED).scalars())


def cloned_foreign_keys(connection: Connection) -> frozenset[tuple[str, str]]:
    """Return the table and name of each foreign key that PostgreSQL cloned for a partition."""
    if connection.dialect.name == "sqlite":
        return frozenset()
    return frozenset((table, name) for table, name in connection.execute(_CLONED))


def _normalized(statement: str) -> str:
    # PostgreSQL adds casts, parentheses, quotes and capitals when it prints a statement.
    uncast = re.sub(r"::(text|character varying)", "", statement.lower())
    return re.sub(r'[\s()"]', "", uncast)


def _parsed(name: str, statements: str) -> Protection | None:
    if name.endswith(OWNER_SUFFIX):
        return OwnerProtection(name.removesuffix(OWNER_SUFFIX))
    target = _TARGET.search(statements)  # None if the table was dropped and only the function is left
    detached = _DETACHED.search(statements) if name.startswith(DETACH_PREFIX) else None
    if detached:
        return LinkedRows(detached[1], detached[3], target[1] if target else detached[1], detached[2])
    cleared = _CLEARED.search(statements)
    if not name.startswith(CLEAR_PREFIX) or not cleared:
        return None
    return ClearedReference(cleared[1], cleared[2], target[1] if target else cleared[1], cleared[3])
