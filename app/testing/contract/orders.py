"""Rules about the order of a list, and the fields of its rows."""

from collections.abc import Callable
from typing import Any

from app.core.data.sql.operators import operators_of
from app.core.data.tables.folds import fold
from app.core.http.resource.values import value_type_of
from app.testing.contract.answers import expect, expect_error, row_in
from app.testing.contract.operations import GET
from app.testing.contract.queries import Rows, create_rows, get_list, ids_in, text_of
from app.testing.contract.resource import ResourceUnderTest
from app.testing.contract.rules import has_many, offers, rule


def _sorted(tested: ResourceUnderTest, rows: Rows, name: str) -> Rows:
    """Return the rows in this order, nulls last."""
    field = name.removeprefix("-")
    declared = tested.resource.model.model_fields[field]
    kind = value_type_of(declared.annotation, tuple(declared.metadata))
    assert kind
    read: Callable[[str], Any] = fold if kind.is_text else kind.read
    if "enum" in kind.schema:
        read = kind.schema["enum"].index if "lt" in operators_of(tested.resource.model, field) else str
    present = [row for row in rows if row[field] is not None]
    present.sort(key=lambda row: read(text_of(row[field])))
    found = [*present, *(row for row in rows if row[field] is None)]
    return [*present[::-1], *found[len(present) :][::-1]] if name.startswith("-") else found


@rule(offers("list"), has_many)
async def pages_in_any_order_contain_every_row_once(tested: ResourceUnderTest) -> None:
    """In each order, `next` and `prev` lead through all rows in that order. A cursor is of use to its owner only."""
    await tested.create_row(tested.stranger)
    rows = [*await create_rows(tested), await tested.create_row(tested.owner)]
    for name in (sign + field for field in tested.resource.lists.sortable for sign in ("", "-")):
        ordered = _sorted(tested, rows, name)
        pages, path = [], f"{tested.resource.path}?limit=3&sort={name}&fields=id"
        for relation in ("next", "prev"):
            answer = await tested.owner.get(path)
            pages.append(ids_in(f"GET {path}", answer))
            path = str(answer.links.get(relation, {}).get("url"))
            assert path.startswith(tested.resource.path), f"sort={name}: no link to the {relation} page"
            if name != "id":
                for caller, there in ((tested.stranger, path), (tested.owner, f"{path}A")):
                    position = "after" if relation == "next" else "before"
                    expect_error("a cursor of another", await caller.get(there), 422, f"query.{position}")
        pages.append(ids_in(f"GET {path}", await tested.owner.get(path)))
        ids = [row["id"] for row in ordered]
        expect(f"the pages of sort={name}, forth and back", pages, [ids[:3], ids[3:], ids[:3]])


@rule(offers("list"))
async def fields_gives_exactly_these_fields(tested: ResourceUnderTest) -> None:
    """`fields` gives the named fields and `id`, with the same values; on a list and on one row."""
    row = await tested.create_row(tested.owner)
    for names in (*([name] for name in row), ["id", *list(row)[-2:]]):
        expected = {name: row[name] for name in row if name == "id" or name in names}
        label, answer = await get_list(tested, fields=",".join(names))
        expect(label, answer.json(), [expected])
        if GET in tested.operations:
            one = await tested.send(tested.owner, GET, row["id"], after=f"?fields={','.join(names)}")
            expect(f"GET with fields={','.join(names)}", row_in(one), expected)
    for wrong in ("", "id,id", "nothing"):
        label, answer = await get_list(tested, fields=wrong)
        expect_error(label, answer, 422, "query.fields")
