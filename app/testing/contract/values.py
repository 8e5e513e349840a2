"""Rules about the values of fields; the type of the column decides which values are tried."""

import json
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID

import httpx
from sqlalchemy import inspect

from app.core.data.tables.documents import MAX_BYTES
from app.core.data.tables.stored_types import StoredType
from app.testing.contract.answers import expect, expect_error, row_in
from app.testing.contract.operations import CREATE, WRITES
from app.testing.contract.resource import ResourceUnderTest
from app.testing.contract.rules import offers, rule, writes

_AFTER, _BEFORE = "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"  # outside of the calendar in UTC

WRONG: Final[dict[type, tuple[Any, ...]]] = {
    str: (1, 1.5, True, [], {}, "a\x00b", "\x00"),
    bool: (0, 1, 1.5, "true", "", [], {}),
    int: (True, 1.5, "1", 2**63, -(2**63) - 1, 10**30),
    float: (True, "1", float("nan"), float("inf"), float("-inf")),
    date: (1, "", "2024-02-30", "2024-01-01T00:00:00Z"),
    datetime: (1, "", "2024-01-01", "2024-01-01T00:00:00", "2024-02-30T00:00:00Z", _BEFORE, _AFTER),
    UUID: (1, "", "x", "00000000-0000-0000-0000-00000000000g"),
    Decimal: (1, 1.5, True, [], "", " 1", "1e2", "NaN", "Infinity", "1,5", "+1", "01", "1.", ".5", "1." + "0" * 7),
    dict: (2**53, -(2**53), 1e300, float("nan"), float("inf"), "\x00", "x" * MAX_BYTES),
}
STORED: Final[dict[type, tuple[Any, ...]]] = {
    str: ("x", "a\nb", "Ü🥛", "' OR 1=1 --", "100%_\\", " x "),
    bool: (False, True),
    int: (0, -1, 2**31, 2**53 - 1, -(2**53) + 1, 2**63 - 1),
    float: (0.1, -1.5, 1e22, 1e308, 5e-324),
    date: ("0001-01-01", "2024-02-29", "9999-12-31"),
    datetime: ("0001-01-02T00:00:00Z", "2024-02-29T12:00:00.123456Z", "9999-12-30T23:59:59.999999Z"),
    Decimal: ("0", "-1", "1", "999999999999", "-999999999999"),
    dict: ({}, [], 0, -1, 0.5, False, "", "Ü🥛", 2**53 - 1),
    UUID: (str(UUID(int=0)), str(UUID(int=2**128 - 1))),
}
JSON: Final = {"content-type": "application/json"}


def _fields_of(tested: ResourceUnderTest) -> list[tuple[str, type, int | None]]:
    # The fields of the create schema, with the Python type and the length of their columns; without references.
    columns = dict(inspect(tested.resource.model).columns.items())
    for reference in tested.references:
        del columns[reference.column]
    held = {name: _held(column.type) for name, column in columns.items()}
    names = (name for name in tested.resource.create_schema.model_fields if name in held)
    return [(name, _kind_of(held[name]), getattr(held[name], "length", None)) for name in names]


def _held(column_type: Any) -> Any:
    # Another TypeDecorator does not know its Python type; the type that it wraps does.
    return column_type if isinstance(column_type, StoredType) else getattr(column_type, "impl_instance", column_type)


def _kind_of(held: Any) -> type:
    return str if issubclass(held.python_type, Enum) else held.python_type


def _unchanged(value: Any) -> Any:
    return value


def _expect_refusal(label: str, answer: httpx.Response, name: str, kind: type) -> None:
    # Inside of a JSON value an error names the place, too.
    expect_error(label, answer, 422, *(() if kind is dict else (f"body.{name}",)))
    places = [entry["loc"][:2] for entry in answer.json()["errors"]]
    expect(f"{label}: the fields named", places, [["body", name]] * len(places))


async def _post(tested: ResourceUnderTest, body: dict[str, Any]) -> httpx.Response:
    # A client can send NaN, which httpx refuses to encode.
    return await tested.send(tested.owner, CREATE, content=json.dumps(body), headers=JSON)


@rule(writes)
async def an_invalid_value_is_a_422_that_names_its_field(tested: ResourceUnderTest) -> None:
    """A value that a column cannot store unchanged is a 422 that names the field, on every database."""
    row = await tested.create_row(tested.owner)
    body = await tested.new_body(tested.owner)
    before = await tested.all_rows()
    for name, kind, length in _fields_of(tested):
        for value in (*WRONG.get(kind, ()), *(("x" * (length + 1),) if kind is str and length else ())):
            for operation in tested.offered(WRITES):
                given = body if operation is CREATE else {}
                content = json.dumps(given | {name: value})
                answer = await tested.send(tested.owner, operation, row["id"], content=content, headers=JSON)
                _expect_refusal(f"{operation.name}: {name} {value!r:.40}", answer, name, kind)
    expect("the rows afterwards", await tested.all_rows(), before)


@rule(offers("create"))
async def an_accepted_value_is_stored_unchanged(tested: ResourceUnderTest) -> None:
    """A value is refused by its field, or stored and returned unchanged, also at the ends of its range."""
    for name, kind, length in _fields_of(tested):
        for value in (*STORED.get(kind, ()), *(("🥛" * length,) if kind is str and length else ())):
            answer = await _post(tested, await tested.new_body(tested.owner) | {name: value})
            if answer.status_code == 422:
                _expect_refusal(f"POST: {name} {value!r:.40}", answer, name, kind)
                continue
            row = row_in(answer, 201)
            same = Decimal if kind is Decimal else _unchanged  # the server adds fraction digits
            expect(f"POST: {name}", same(row[name]), same(value))
            expect(f"POST: {name}, read", await tested.read_row(tested.owner, row["id"]), row)
            await tested.delete_row(tested.owner, row["id"])
