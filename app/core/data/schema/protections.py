"""What the database itself holds against everybody; migrations make it by `operations/protecting.py`.

The owner of a row never changes (a trigger); on PostgreSQL, a role that is subject to row level security meets only the
rows of its statement's subject (a policy, see `connection/rls.py`), and rows are found by their owner and their id,
never by the id alone. A reference is cleared when the row that it refers to is deleted (a trigger).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import MetaData

from app.core.data.connection.rls import OWNER_SETTING
from app.core.data.tables.indexes import ON_DELETE, OWNER_COLUMN
from app.core.data.tables.versions import CHANGED_AT, change_time_sql

FINAL: Final = "_owner_is_final"
CLEARS: Final = "CLEAR_"


def quoted(name: str) -> str:
    """Return a name as SQL takes it, whatever word it is."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class OwnerProtection:
    """The trigger and the policy of one owned table, and the one key that its rows have."""

    table: str

    @property
    def call(self) -> str:
        """What a migration calls."""
        return f"protect_owner({self.table!r})"

    @property
    def reverse_call(self) -> str:
        """What a migration calls to take it away."""
        return f"un{self.call}"

    @property
    def name(self) -> str:
        """The name of its trigger."""
        return self.table + FINAL

    @property
    def policy(self) -> str:
        """The name of the policy."""
        return f"{self.table}_owner"

    @property
    def tables(self) -> frozenset[str]:
        """The tables without which it cannot be."""
        return frozenset({self.table})

    def create(self, dialect: str) -> list[str]:
        """Return the statements that make it, also where it is already, whole or in part."""
        return [*self._remove(dialect), *self.definition(dialect)]

    def definition(self, dialect: str) -> list[str]:
        """Return the statements that make it where it is not; `inspection.py` reads the same ones off a database."""
        table, name, changed = quoted(self.table), quoted(self.name), "the owner of a row never changes"
        if dialect == "sqlite":
            return [
                f"CREATE TRIGGER {name} BEFORE UPDATE OF {OWNER_COLUMN} ON {table} "
                f"WHEN NEW.{OWNER_COLUMN} IS NOT OLD.{OWNER_COLUMN} BEGIN SELECT RAISE(ABORT, '{changed}'); END"
            ]
        mine = f"{OWNER_COLUMN} = nullif(current_setting('{OWNER_SETTING}', true), '')"
        return [
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$BEGIN RAISE EXCEPTION '{changed}' USING ERRCODE = 'check_violation'; END$$",
            f"CREATE TRIGGER {name} BEFORE UPDATE OF {OWNER_COLUMN} ON {table} FOR EACH ROW "
            f"WHEN (NEW.{OWNER_COLUMN} IS DISTINCT FROM OLD.{OWNER_COLUMN}) EXECUTE FUNCTION {name}()",
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"CREATE POLICY {quoted(self.policy)} ON {table} USING ({mine}) WITH CHECK ({mine})",
            *self._drop_primary_key(),
        ]

    def drop(self, dialect: str) -> list[str]:
        """Return the statements that take it away, as far as it is there; its rows keep their one key."""
        if dialect == "sqlite":
            return self._remove(dialect)
        return [*self._remove(dialect), f"ALTER TABLE {quoted(self.table)} DISABLE ROW LEVEL SECURITY"]

    def _remove(self, dialect: str) -> list[str]:
        name = quoted(self.name)
        if dialect == "sqlite":
            return [f"DROP TRIGGER IF EXISTS {name}"]
        return [
            f"DROP POLICY IF EXISTS {quoted(self.policy)} ON {quoted(self.table)}",
            f"DROP TRIGGER IF EXISTS {name} ON {quoted(self.table)}",
            f"DROP FUNCTION IF EXISTS {name}()",
        ]

    def _drop_primary_key(self) -> list[str]:
        # A list asks for the rows of one owner in the order of ids. With a key on ids alone, PostgreSQL may walk that
        # one, past everybody else's rows; no request needs it, and no engine that spreads rows by their owner takes it.
        # SQLite keeps it: it is where its rows are, and it lets no deleted id be given again.
        key = quoted(f"uq_{self.table}_{OWNER_COLUMN}_id")
        return [
            f"ALTER TABLE {quoted(self.table)} DROP CONSTRAINT IF EXISTS {quoted(f'pk_{self.table}')}",
            f"ALTER TABLE {quoted(self.table)} REPLICA IDENTITY USING INDEX {key}",
        ]


@dataclass(frozen=True)
class ClearedReference:
    """The trigger that clears a reference when its target is deleted."""

    table: str
    column: str
    target: str
    changed_at: str | None = None
    """The column that tells when a row was changed last: the row that loses its reference is in another state then."""

    @property
    def call(self) -> str:
        """What a migration calls."""
        changed_at = f", changed_at={self.changed_at!r}" if self.changed_at else ""
        return f"clear_on_delete({self.table!r}, {self.column!r}, {self.target!r}{changed_at})"

    @property
    def reverse_call(self) -> str:
        """What a migration calls to take it away."""
        return self.call.replace("clear_on_delete", "keep_on_delete")

    @property
    def tables(self) -> frozenset[str]:
        """The tables without which it cannot be."""
        return frozenset({self.table, self.target})

    @property
    def name(self) -> str:
        """The name of its trigger."""
        return f"{CLEARS}{self.table}_{self.column}"

    def create(self, dialect: str) -> list[str]:
        """Return the statements that make it, also where it is already, whole or in part."""
        return [*self.drop(dialect), *self.definition(dialect)]

    def definition(self, dialect: str) -> list[str]:
        """Return the statements that make it where it is not; `inspection.py` reads the same ones off a database."""
        name, target, column = quoted(self.name), quoted(self.target), quoted(self.column)
        changed = f", {self.changed_at} = {change_time_sql(dialect, self.changed_at)}" if self.changed_at else ""
        clear = (
            f"UPDATE {quoted(self.table)} SET {column} = NULL{changed} "
            f"WHERE {OWNER_COLUMN} = OLD.{OWNER_COLUMN} AND {column} = OLD.id"
        )
        if dialect == "sqlite":
            return [f"CREATE TRIGGER {name} BEFORE DELETE ON {target} BEGIN {clear}; END"]
        # After the row, because PostgreSQL forbids a trigger to change a row that the same statement is about to
        # delete; and in capitals, because triggers go by their names, and the key's own are called RI_...
        return [
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {clear}; RETURN NULL; END$$",
            f"CREATE TRIGGER {name} AFTER DELETE ON {target} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ]

    def drop(self, dialect: str) -> list[str]:
        """Return the statements that take it away, as far as it is there."""
        if dialect == "sqlite":
            return [f"DROP TRIGGER IF EXISTS {quoted(self.name)}"]
        return [
            f"DROP TRIGGER IF EXISTS {quoted(self.name)} ON {quoted(self.target)}",
            f"DROP FUNCTION IF EXISTS {quoted(self.name)}()",
        ]


Protection = OwnerProtection | ClearedReference


def protections_of(metadata: MetaData) -> Iterator[Protection]:
    """Yield what the tables of the models call for."""
    for table in sorted(metadata.tables.values(), key=lambda table: table.name):
        if OWNER_COLUMN in table.c:
            yield OwnerProtection(table.name)
        for key in sorted(table.foreign_key_constraints, key=lambda key: [*key.column_keys]):
            if key.info.get(ON_DELETE) == "set null":
                changed_at = CHANGED_AT if CHANGED_AT in table.c else None
                yield ClearedReference(table.name, key.column_keys[-1], key.referred_table.name, changed_at)
