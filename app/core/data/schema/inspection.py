"""What a live database holds of the protections: read back as statements, and compared with those that make them."""

import re
from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, MetaData, text

from app.core.data.schema.protections import protections_of

_SQLITE: Final = "SELECT sql FROM sqlite_master WHERE type = 'trigger'"
# Each as the statement that would make it again. A trigger that is switched off counts as not there.
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
    SELECT format('The key %I of %s was never checked.', conname, conrelid::regclass) FROM pg_constraint
    WHERE NOT convalidated AND connamespace = current_schema()::regnamespace
    UNION ALL
    SELECT format('The index %s is not valid, and not used.', indexrelid::regclass) FROM pg_index
    JOIN pg_class c ON c.oid = indrelid WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace
    UNION ALL
    SELECT DISTINCT format('The keys of %s are switched off.', tgrelid::regclass) FROM pg_trigger
    WHERE tgisinternal AND tgenabled NOT IN ('O', 'A')
""")

# A key between partitioned tables is there once more for each partition that it leads to.
_CLONED: Final = text("""
    SELECT relname, conname FROM pg_constraint JOIN pg_class c ON c.oid = conrelid
    WHERE contype = 'f' AND conparentid <> 0 AND pg_table_is_visible(c.oid)
""")


def altered_protections(connection: Connection, metadata: MetaData) -> Iterator[str]:
    """Yield a sentence for each protection that is missing or not what the models call for.

    That includes a policy beside ours: PostgreSQL lets a row through where any one of them does.
    """
    dialect = connection.dialect.name
    query = _SQLITE if dialect == "sqlite" else _POSTGRES
    present = {_plain(statement): statement for statement in connection.execute(text(query)).scalars()}
    expected: set[str] = set()
    ours: set[str] = set()
    for protection in protections_of(metadata):
        statements = {_plain(statement) for statement in protection.create(dialect)}
        expected |= statements
        ours |= protection.parts
        if not statements <= present.keys():
            yield f"What op.{protection.call} makes is missing or altered."
    for plain in present.keys() - expected:
        named = re.match(r'CREATE POLICY "?([^"]+?)"? ON "?([^\s"]+)', present[plain])
        if named and named[1] not in ours and named[2] in metadata.tables:
            yield f"The policy {named[1]} of {named[2]} lets in rows that ours keeps out."


def unenforced_rules(connection: Connection) -> list[str]:
    """Return a sentence for each key and index that is there and does not hold; SQLite has none such."""
    if connection.dialect.name == "sqlite":
        return []
    return list(connection.execute(_UNENFORCED).scalars())


def cloned_keys(connection: Connection) -> frozenset[tuple[str, str]]:
    """Return table and name of each foreign key that PostgreSQL made by itself, out of one of a partitioned table."""
    if connection.dialect.name == "sqlite":
        return frozenset()
    return frozenset((table, name) for table, name in connection.execute(_CLONED))


def _plain(statement: str) -> str:
    """A statement without what PostgreSQL adds when it gives one back: casts, parentheses, quotes, capitals."""
    uncast = re.sub(r"::(text|character varying)", "", statement.lower())
    return re.sub(r'[\s()"]', "", uncast)
