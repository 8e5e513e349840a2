"""Queries of PostgreSQL's catalog, for an interrupted migration that runs again: the objects that exist already."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, text

_HAS_TABLE: Final = "SELECT to_regclass(quote_ident(:table)) IS NOT NULL"
_IS_PARTITIONED: Final = "SELECT relkind IN ('p', 'I') FROM pg_class WHERE oid = to_regclass(quote_ident(:table))"
_IS_INDEX_VALID: Final = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(quote_ident(:table))"
_IS_CONSTRAINT_VALID: Final = """
    SELECT convalidated FROM pg_constraint WHERE conrelid = to_regclass(quote_ident(:table)) AND conname = :name
"""
_IS_NOT_NULL: Final = """
    SELECT attnotnull FROM pg_attribute
    WHERE attrelid = to_regclass(quote_ident(:table)) AND attname = :name AND NOT attisdropped
"""
_TIMEOUTS: Final = text("""
    SELECT name FROM pg_settings WHERE name IN ('lock_timeout', 'statement_timeout') AND setting <> '0'
""")


class Catalog:
    """Queries of the catalog. Without a connection (`--sql`) every column exists, and nothing else."""

    def __init__(self, connection: Connection | None) -> None:
        self._connection = connection

    def has_table(self, table: str) -> bool:
        return bool(self._scalar(_HAS_TABLE, table=table))

    def has_column(self, table: str, column: str) -> bool:
        return self._connection is None or self._column(table, column) is not None

    def is_not_null(self, table: str, column: str) -> bool:
        return bool(self._column(table, column))

    def is_partitioned(self, table: str) -> bool:
        return self._scalar(_IS_PARTITIONED, table=table) is True

    def is_index_valid(self, index: str) -> bool | None:
        """Tell whether an index is valid; None if it does not exist."""
        valid: bool | None = self._scalar(_IS_INDEX_VALID, table=index)
        return valid

    def is_constraint_valid(self, table: str, name: str) -> bool | None:
        """Tell whether a constraint was validated; None if it does not exist."""
        valid: bool | None = self._scalar(_IS_CONSTRAINT_VALID, table=table, name=name)
        return valid

    def disable_timeouts(self) -> Sequence[str]:
        """Switch the timeouts of this connection off, and return their names for `reset()`."""
        names = self._connection.execute(_TIMEOUTS).scalars().all() if self._connection else []
        for name in names:
            self._scalar("SELECT set_config(:setting, '0', false)", setting=name)
        return names

    def reset(self, names: Sequence[str]) -> None:
        if self._connection and not self._connection.invalidated:
            for name in names:
                self._connection.exec_driver_sql(f"RESET {name}")

    def _column(self, table: str, column: str) -> bool | None:
        found: bool | None = self._scalar(_IS_NOT_NULL, table=table, name=column)
        return found

    def _scalar(self, statement: str, **values: Any) -> Any:
        return self._connection.execute(text(statement), values).scalar() if self._connection else None
