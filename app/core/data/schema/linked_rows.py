"""Linked rows: the triggers that keep the link table of a `refs()` field equal to the lists in the rows."""

# Each statement names the owner, so the policies of PostgreSQL let it pass, and an index finds its rows.

from dataclasses import dataclass
from typing import Final

from app.core.data.schema.policies import drop_policy, enable_policy, policy_of
from app.core.data.schema.quoting import quoted
from app.core.data.tables.indexes import OWNER_COLUMN
from app.core.data.tables.row_ids import ROW_ID, TARGET_ID
from app.core.data.tables.versions import change_time_sql

ATTACH_PREFIX: Final = "ATTACH_"
CHANGE_PREFIX: Final = "CHANGE_"
# PostgreSQL fires triggers in the order of their names. This one needs the links, which the trigger of a foreign key
# deletes; the name of that one begins with RI_.
DETACH_PREFIX: Final = "DETACH_"


@dataclass(frozen=True)
class LinkedRows:
    """The triggers of a list of ids, and on PostgreSQL the policy of its link table."""

    # The rows of a new list are attached when its row is stored. When the list changes, the difference is written. When
    # a target is deleted, its id leaves the lists first; its links then go by this change, or by ON DELETE CASCADE.

    table: str
    column: str
    target: str
    changed_at: str | None = None
    """The column with the time of the last change. It is set when a target is deleted, so that the ETag changes."""

    @property
    def call(self) -> str:
        changed_at = f", changed_at={self.changed_at!r}" if self.changed_at else ""
        return f"link_rows({self.table!r}, {self.column!r}, {self.target!r}{changed_at})"

    @property
    def reverse_call(self) -> str:
        return f"un{self.call}"

    @property
    def links(self) -> str:
        return f"{self.table}_{self.column}"

    @property
    def policy(self) -> str:
        return policy_of(self.links)

    @property
    def tables(self) -> frozenset[str]:
        return frozenset({self.table, self.target, self.links})

    @property
    def name(self) -> str:
        return DETACH_PREFIX + self.links

    def create(self, dialect: str) -> list[str]:
        # A migration that was interrupted can run them again.
        return [*self._remove(dialect), *self.definition(dialect)]

    def drop(self, dialect: str) -> list[str]:
        if dialect == "sqlite":
            return self._remove(dialect)
        disable = f"ALTER TABLE IF EXISTS {quoted(self.links)} DISABLE ROW LEVEL SECURITY"
        return [*self._remove(dialect), disable]

    def definition(self, dialect: str) -> list[str]:
        if dialect == "sqlite":
            return [f"CREATE TRIGGER {when} BEGIN {body}; END" for when, body in self._sqlite_triggers()]
        triggers = self._postgres_triggers()
        return [*(part for trigger in triggers for part in _function_and_trigger(*trigger)), *enable_policy(self.links)]

    def _remove(self, dialect: str) -> list[str]:
        names = [quoted(prefix + self.links) for prefix in (ATTACH_PREFIX, CHANGE_PREFIX, DETACH_PREFIX)]
        if dialect == "sqlite":
            return [f"DROP TRIGGER IF EXISTS {name}" for name in names]
        tables = [quoted(self.table), quoted(self.table), quoted(self.target)]
        return [
            drop_policy(self.links),
            *(f"DROP TRIGGER IF EXISTS {name} ON {table}" for name, table in zip(names, tables, strict=True)),
            *(f"DROP FUNCTION IF EXISTS {name}()" for name in names),
        ]

    def _sqlite_triggers(self) -> list[tuple[str, str]]:
        table, column, target = quoted(self.table), quoted(self.column), quoted(self.target)
        attach, change, detach = (quoted(p + self.links) for p in (ATTACH_PREFIX, CHANGE_PREFIX, DETACH_PREFIX))
        new, old = (f"SELECT value FROM json_each({row}.{column})" for row in ("NEW", "OLD"))
        # Anything but an integer becomes NULL, which the link table refuses.
        each = f"CASE type WHEN 'integer' THEN value END FROM json_each(NEW.{column})"
        insert = f"{self._insert} SELECT NEW.{OWNER_COLUMN}, NEW.id, {each}"
        rest = f"SELECT value FROM json_each({table}.{column}) WHERE value <> OLD.id ORDER BY value"
        return [
            (f"{attach} AFTER INSERT ON {table} WHEN NEW.{column} <> '[]'", insert),
            (
                f"{change} AFTER UPDATE OF {column} ON {table} WHEN NEW.{column} IS NOT OLD.{column}",
                f"{self._delete} AND {TARGET_ID} NOT IN ({new}); "
                f"{insert} WHERE type <> 'integer' OR value NOT IN ({old})",
            ),
            # BEFORE, because the foreign key would delete the links before an AFTER trigger reads them.
            (f"{detach} BEFORE DELETE ON {target}", self._detach("sqlite", f"json_group_array(value) FROM ({rest})")),
        ]

    def _postgres_triggers(self) -> list[tuple[str, str, str]]:
        table, column, target = quoted(self.table), quoted(self.column), quoted(self.target)
        attach, change, detach = (quoted(p + self.links) for p in (ATTACH_PREFIX, CHANGE_PREFIX, DETACH_PREFIX))
        values = f"jsonb_array_elements(NEW.{column}) AS value"
        # The cast of a text refuses anything but an integer, where that of a JSON number rounds.
        each = "CAST(CAST(value AS text) AS bigint)"
        insert = f"{self._insert} SELECT NEW.{OWNER_COLUMN}, NEW.id, {each} FROM {values}"
        delete = f"{self._delete} AND NOT NEW.{column} @> to_jsonb({TARGET_ID})"
        rest = f"coalesce(jsonb_agg(value ORDER BY value), '[]') FROM jsonb_array_elements({table}.{column}) AS value"
        is_first = f"WHEN (NEW.{column} <> '[]'::jsonb)"
        is_other = f"WHEN (NEW.{column} IS DISTINCT FROM OLD.{column})"
        return [
            (attach, f"AFTER INSERT ON {table} FOR EACH ROW {is_first}", insert),
            (
                change,
                f"AFTER UPDATE OF {column} ON {table} FOR EACH ROW {is_other}",
                f"{delete}; {insert} WHERE NOT OLD.{column} @> value",
            ),
            # AFTER, because PostgreSQL forbids a BEFORE trigger to change a row that the same statement deletes. The
            # last condition is checked again on a row that another transaction has changed meanwhile.
            (
                detach,
                f"AFTER DELETE ON {target} FOR EACH ROW",
                f"{self._detach('postgresql', f'{rest} WHERE value <> to_jsonb(OLD.id)')}"
                f" AND {column} @> to_jsonb(OLD.id)",
            ),
        ]

    @property
    def _insert(self) -> str:
        return f"INSERT INTO {quoted(self.links)} ({OWNER_COLUMN}, {ROW_ID}, {TARGET_ID})"

    @property
    def _delete(self) -> str:
        return f"DELETE FROM {quoted(self.links)} WHERE {OWNER_COLUMN} = NEW.{OWNER_COLUMN} AND {ROW_ID} = NEW.id"

    def _detach(self, dialect: str, rest: str) -> str:
        # In SQLite a BEFORE trigger must not change the row that is deleted, where a list names its own row.
        other = " AND id <> OLD.id" if self.table == self.target else ""
        changed = f"{self.changed_at} = {change_time_sql(dialect, self.changed_at)}, " if self.changed_at else ""
        rows = (
            f"SELECT {ROW_ID} FROM {quoted(self.links)} WHERE {OWNER_COLUMN} = OLD.{OWNER_COLUMN} "
            f"AND {TARGET_ID} = OLD.id"
        )
        # The array is computed first, whatever PostgreSQL estimates; it would scan all rows of the owner otherwise.
        found = f"IN ({rows})" if dialect == "sqlite" else f"= ANY (ARRAY({rows}))"
        return (
            f"UPDATE {quoted(self.table)} SET {changed}{quoted(self.column)} = (SELECT {rest}) "
            f"WHERE {OWNER_COLUMN} = OLD.{OWNER_COLUMN}{other} AND id {found}"
        )


def _function_and_trigger(name: str, when: str, body: str) -> list[str]:
    return [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body}; RETURN NULL; END$$",
        f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {name}()",
    ]
