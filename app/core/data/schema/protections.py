"""What the database itself holds against everybody; migrations make it with the operations of `operations.py`.

The owner of a row never changes (a trigger); on PostgreSQL, a role that is subject to row level security meets only the
rows of its statement's subject (a policy, see `subject.py`), and rows are found by their owner and their id, never by
the id alone. A reference is cleared when the row that it refers to is deleted (a trigger).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import MetaData

from app.core.data.owned import CLEARED, OWNER_COLUMN
from app.core.data.states import CHANGED_AT, change_time_sql
from app.core.data.subject import SETTING


@dataclass(frozen=True)
class OwnerProtection:
    """The trigger and the policy of one owned table, and the one key that its rows have."""

    table: str

    @property
    def call(self) -> str:
        """What a migration calls."""
        return f"protect_owner({self.table!r})"

    @property
    def parts(self) -> set[str]:
        """The names of what PostgreSQL and SQLite keep of it."""
        return {f"{self.table}_owner_is_final", f"{self.table}_owner"}

    def create(self, dialect: str) -> list[str]:
        """Return the statements that make it."""
        name, changed = f"{self.table}_owner_is_final", "the owner of a row never changes"
        if dialect == "sqlite":
            return [
                f"CREATE TRIGGER {name} BEFORE UPDATE OF {OWNER_COLUMN} ON {self.table} "
                f"WHEN NEW.{OWNER_COLUMN} IS NOT OLD.{OWNER_COLUMN} BEGIN SELECT RAISE(ABORT, '{changed}'); END"
            ]
        mine = f"{OWNER_COLUMN} = nullif(current_setting('{SETTING}', true), '')"
        return [
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$BEGIN RAISE EXCEPTION '{changed}' USING ERRCODE = 'check_violation'; END$$",
            f"CREATE TRIGGER {name} BEFORE UPDATE OF {OWNER_COLUMN} ON {self.table} FOR EACH ROW "
            f"WHEN (NEW.{OWNER_COLUMN} IS DISTINCT FROM OLD.{OWNER_COLUMN}) EXECUTE FUNCTION {name}()",
            f"ALTER TABLE {self.table} ENABLE ROW LEVEL SECURITY",
            f"CREATE POLICY {self.table}_owner ON {self.table} USING ({mine}) WITH CHECK ({mine})",
            *self._keep_one_key(),
        ]

    def drop(self, dialect: str) -> list[str]:
        """Return the statements that take it away."""
        name = f"{self.table}_owner_is_final"
        if dialect == "sqlite":
            return [f"DROP TRIGGER {name}"]
        return [
            f"DROP POLICY {self.table}_owner ON {self.table}",
            f"ALTER TABLE {self.table} DISABLE ROW LEVEL SECURITY",
            f"DROP TRIGGER {name} ON {self.table}",
            f"DROP FUNCTION {name}()",
            *self._give_the_other_back(),
        ]

    def _keep_one_key(self) -> list[str]:
        # A list asks for the rows of one owner in the order of ids. With a key on ids alone, PostgreSQL may walk that
        # one, past everybody else's rows; no request needs it, and no engine that spreads rows by their owner takes it.
        # SQLite keeps it: it is where its rows are, and it lets no deleted id be given again.
        return [
            f"ALTER TABLE {self.table} DROP CONSTRAINT IF EXISTS pk_{self.table}",
            f"ALTER TABLE {self.table} REPLICA IDENTITY USING INDEX uq_{self.table}_{OWNER_COLUMN}_id",
        ]

    def _give_the_other_back(self) -> list[str]:
        # Not where it is there, where two owners have the same id, and where the table is spread over several.
        refused = "invalid_table_definition OR unique_violation OR feature_not_supported"
        return [
            f"ALTER TABLE {self.table} REPLICA IDENTITY DEFAULT",
            f"DO $$BEGIN ALTER TABLE {self.table} ADD CONSTRAINT pk_{self.table} PRIMARY KEY (id); "
            f"EXCEPTION WHEN {refused} THEN NULL; END$$",
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
    def parts(self) -> set[str]:
        """The name of what the databases keep of it."""
        return {f"CLEAR_{self.table}_{self.column}"}

    def create(self, dialect: str) -> list[str]:
        """Return the statements that make it."""
        (name,) = self.parts
        changed = f", {self.changed_at} = {change_time_sql(dialect, self.changed_at)}" if self.changed_at else ""
        clear = (
            f"UPDATE {self.table} SET {self.column} = NULL{changed} "
            f"WHERE {OWNER_COLUMN} = OLD.{OWNER_COLUMN} AND {self.column} = OLD.id"
        )
        if dialect == "sqlite":
            return [f'CREATE TRIGGER "{name}" BEFORE DELETE ON {self.target} BEGIN {clear}; END']
        # After the row, because PostgreSQL forbids a trigger to change a row that the same statement is about to
        # delete; and in capitals, because triggers go by their names, and the key's own are called RI_...
        return [
            f'CREATE FUNCTION "{name}"() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {clear}; RETURN NULL; END$$',
            f'CREATE TRIGGER "{name}" AFTER DELETE ON {self.target} FOR EACH ROW EXECUTE FUNCTION "{name}"()',
        ]

    def drop(self, dialect: str) -> list[str]:
        """Return the statements that take it away."""
        (name,) = self.parts
        if dialect == "sqlite":
            return [f'DROP TRIGGER "{name}"']
        return [f'DROP TRIGGER "{name}" ON {self.target}', f'DROP FUNCTION "{name}"()']


Protection = OwnerProtection | ClearedReference


def protections_of(metadata: MetaData) -> Iterator[Protection]:
    """Yield what the tables of the models call for."""
    for table in metadata.sorted_tables:
        if OWNER_COLUMN in table.c:
            yield OwnerProtection(table.name)
        for key in table.foreign_key_constraints:
            if key.info.get(CLEARED):
                changed_at = CHANGED_AT if CHANGED_AT in table.c else None
                yield ClearedReference(table.name, key.column_keys[-1], key.referred_table.name, changed_at)
