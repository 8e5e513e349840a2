"""Protections: triggers that keep owners final, clear references and write links, and PostgreSQL's policies.

Migrations create them with `operations/protecting.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import MetaData

from app.core.data.schema.linked_rows import LinkedRows
from app.core.data.schema.policies import drop_policy, enable_policy, policy_of
from app.core.data.schema.quoting import quoted
from app.core.data.tables.indexes import ON_DELETE, OWNER_COLUMN
from app.core.data.tables.row_ids import link_tables
from app.core.data.tables.versions import CHANGED_AT, change_time_sql

OWNER_SUFFIX: Final = "_owner_is_final"
CLEAR_PREFIX: Final = "CLEAR_"


@dataclass(frozen=True)
class OwnerProtection:
    """The trigger and the policy of an owned table, and `(user_id, id)` as its only key."""

    table: str

    @property
    def call(self) -> str:
        return f"protect_owner({self.table!r})"

    @property
    def reverse_call(self) -> str:
        return f"un{self.call}"

    @property
    def name(self) -> str:
        return self.table + OWNER_SUFFIX

    @property
    def policy(self) -> str:
        return policy_of(self.table)

    @property
    def tables(self) -> frozenset[str]:
        return frozenset({self.table})

    def create(self, dialect: str) -> list[str]:
        # A migration that was interrupted can run them again.
        return [*self._remove(dialect), *self.definition(dialect)]

    def definition(self, dialect: str) -> list[str]:
        table, name, changed = quoted(self.table), quoted(self.name), "the owner of a row never changes"
        if dialect == "sqlite":
            return [
                f"CREATE TRIGGER {name} BEFORE UPDATE OF {OWNER_COLUMN} ON {table} "
                f"WHEN NEW.{OWNER_COLUMN} IS NOT OLD.{OWNER_COLUMN} BEGIN SELECT RAISE(ABORT, '{changed}'); END"
            ]
        return [
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$BEGIN RAISE EXCEPTION '{changed}' USING ERRCODE = 'check_violation'; END$$",
            f"CREATE TRIGGER {name} BEFORE UPDATE OF {OWNER_COLUMN} ON {table} FOR EACH ROW "
            f"WHEN (NEW.{OWNER_COLUMN} IS DISTINCT FROM OLD.{OWNER_COLUMN}) EXECUTE FUNCTION {name}()",
            *enable_policy(self.table),
            *self._drop_primary_key(),
        ]

    def drop(self, dialect: str) -> list[str]:
        # The primary key stays dropped.
        if dialect == "sqlite":
            return self._remove(dialect)
        return [*self._remove(dialect), f"ALTER TABLE {quoted(self.table)} DISABLE ROW LEVEL SECURITY"]

    def _remove(self, dialect: str) -> list[str]:
        name = quoted(self.name)
        if dialect == "sqlite":
            return [f"DROP TRIGGER IF EXISTS {name}"]
        return [
            drop_policy(self.table),
            f"DROP TRIGGER IF EXISTS {name} ON {quoted(self.table)}",
            f"DROP FUNCTION IF EXISTS {name}()",
        ]

    def _drop_primary_key(self) -> list[str]:
        # A list reads the rows of one owner in the order of ids. With an index on the id alone, PostgreSQL may scan
        # that index instead, through the rows of all users. No request needs it, and Citus refuses a key without the
        # owner. SQLite keeps its primary key: it is the rowid, and AUTOINCREMENT never gives a deleted id again.
        key = quoted(f"uq_{self.table}_{OWNER_COLUMN}_id")
        return [
            f"ALTER TABLE {quoted(self.table)} DROP CONSTRAINT IF EXISTS {quoted(f'pk_{self.table}')}",
            f"ALTER TABLE {quoted(self.table)} REPLICA IDENTITY USING INDEX {key}",
        ]


@dataclass(frozen=True)
class ClearedReference:
    """The trigger that sets a reference to NULL when its target is deleted."""

    # ON DELETE SET NULL would clear both columns of the foreign key, `user_id` too; SQLite cannot name one of them.

    table: str
    column: str
    target: str
    changed_at: str | None = None
    """The column with the time of the last change. The trigger sets it, so that the row's ETag changes."""

    @property
    def call(self) -> str:
        changed_at = f", changed_at={self.changed_at!r}" if self.changed_at else ""
        return f"clear_on_delete({self.table!r}, {self.column!r}, {self.target!r}{changed_at})"

    @property
    def reverse_call(self) -> str:
        return self.call.replace("clear_on_delete", "keep_on_delete")

    @property
    def tables(self) -> frozenset[str]:
        return frozenset({self.table, self.target})

    @property
    def name(self) -> str:
        return f"{CLEAR_PREFIX}{self.table}_{self.column}"

    def create(self, dialect: str) -> list[str]:
        return [*self.drop(dialect), *self.definition(dialect)]

    def definition(self, dialect: str) -> list[str]:
        name, target, column = quoted(self.name), quoted(self.target), quoted(self.column)
        changed = f", {self.changed_at} = {change_time_sql(dialect, self.changed_at)}" if self.changed_at else ""
        clear = (
            f"UPDATE {quoted(self.table)} SET {column} = NULL{changed} "
            f"WHERE {OWNER_COLUMN} = OLD.{OWNER_COLUMN} AND {column} = OLD.id"
        )
        if dialect == "sqlite":
            return [f"CREATE TRIGGER {name} BEFORE DELETE ON {target} BEGIN {clear}; END"]
        # AFTER, because PostgreSQL forbids a BEFORE trigger to change a row that the same statement deletes. The name
        # is in capitals, because triggers fire in the order of their names, and the foreign key's begin with RI_.
        return [
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {clear}; RETURN NULL; END$$",
            f"CREATE TRIGGER {name} AFTER DELETE ON {target} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ]

    def drop(self, dialect: str) -> list[str]:
        if dialect == "sqlite":
            return [f"DROP TRIGGER IF EXISTS {quoted(self.name)}"]
        return [
            f"DROP TRIGGER IF EXISTS {quoted(self.name)} ON {quoted(self.target)}",
            f"DROP FUNCTION IF EXISTS {quoted(self.name)}()",
        ]


Protection = OwnerProtection | ClearedReference | LinkedRows


def protections_of(metadata: MetaData) -> Iterator[Protection]:
    """Yield the protections that the models require."""
    links = {link.table.name: link for link in link_tables(metadata.tables.values())}
    for table in sorted(metadata.tables.values(), key=lambda table: table.name):
        if link := links.get(table.name):
            changed_at = CHANGED_AT if CHANGED_AT in metadata.tables[link.source].c else None
            yield LinkedRows(link.source, link.column, link.target, changed_at)
        elif OWNER_COLUMN in table.c:
            yield OwnerProtection(table.name)
        for key in sorted(table.foreign_key_constraints, key=lambda key: [*key.column_keys]):
            if key.info.get(ON_DELETE) == "set null":
                changed_at = CHANGED_AT if CHANGED_AT in table.c else None
                yield ClearedReference(table.name, key.column_keys[-1], key.referred_table.name, changed_at)
