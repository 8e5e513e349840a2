"""A change of a column's type keeps every value, or is refused with the number of rows that stand against it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Float,
    Identity,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    insert,
    select,
)
from sqlmodel.sql.sqltypes import UTCDateTime

from app.core.data.connection.engine import database_url
from app.core.data.errors import UnfitRows
from app.core.data.schema.engines import migration_engine
from app.testing.databases import Databases

pytestmark = pytest.mark.quick_on("sqlite", "postgres")  # the tables' owner changes them: another role is not concerned

NOON, MIDNIGHT = datetime(2026, 5, 1, 12, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)

KEPT = [
    (String(10), Text(), ["a", None], ["a", None]),
    (Text(), String(3), ["abc", None], ["abc", None]),
    (String(10), BigInteger(), ["7", "-12", None], [7, -12, None]),
    (BigInteger(), String(20), [7, 2**53, None], ["7", str(2**53), None]),
    (Integer(), BigInteger(), [7, None], [7, None]),
    (BigInteger(), Numeric(20, 2), [7, None], [Decimal("7.00"), None]),
    (Numeric(10, 2), Numeric(12, 3), [Decimal("1.25"), None], [Decimal("1.250"), None]),
    (Float(), BigInteger(), [3.0, None], [3, None]),
    (BigInteger(), Boolean(), [0, 1, None], [False, True, None]),
    (Boolean(), BigInteger(), [False, True, None], [0, 1, None]),
    (Date(), UTCDateTime(), [date(2026, 5, 1), None], [MIDNIGHT, None]),
    (UTCDateTime(), Date(), [MIDNIGHT, None], [date(2026, 5, 1), None]),
]
REFUSED = [
    (Text(), String(3), ["abc", "abcd"]),
    (String(10), BigInteger(), ["7", "many"]),
    (String(10), BigInteger(), ["7", "007"]),
    (Float(), BigInteger(), [3.0, 1.5]),
    (Numeric(10, 2), Numeric(10, 1), [Decimal("1.20"), Decimal("1.25")]),
    (BigInteger(), Boolean(), [1, 2]),
    (UTCDateTime(), Date(), [MIDNIGHT, NOON]),
    (String(40), UTCDateTime(), ["2026-05-01"]),
]


@pytest.fixture
def connection(databases: Databases) -> Iterator[Connection]:
    engine = migration_engine(database_url(databases.for_owner(databases.fresh())))
    with engine.connect() as connection, connection.begin():
        yield connection


def change(connection: Connection, old: Any, new: Any, values: list[Any]) -> list[Any]:
    """Store values in a column of one type, make it another, and return what is there."""
    table = _table(old)
    table.create(connection)
    connection.execute(insert(table), [{"value": value} for value in values])
    operations = Operations(MigrationContext.configure(connection))
    with operations.batch_alter_table("things") as batch:
        batch.alter_column("value", existing_type=old, type_=new)
    return list(connection.execute(select(_table(new).c.value).order_by("id")).scalars())


def _table(kind: Any) -> Table:
    return Table("things", MetaData(), Column("id", Integer, Identity(), primary_key=True), Column("value", kind))


def names(case: Any) -> str | None:
    return repr(case) if not isinstance(case, list) else None


@pytest.mark.parametrize(("old", "new", "values", "expected"), KEPT, ids=names)
def test_values_that_fit_are_kept(connection: Connection, old: Any, new: Any, values: list[Any], expected: Any) -> None:
    assert change(connection, old, new, values) == expected


@pytest.mark.parametrize(("old", "new", "values"), REFUSED, ids=names)
def test_a_value_that_would_become_another_is_refused(
    connection: Connection, old: Any, new: Any, values: list[Any]
) -> None:
    with pytest.raises(
        UnfitRows, match=r"things\.value cannot become .*: (1 row has a value that does not fit|invalid input)"
    ):
        change(connection, old, new, values)
