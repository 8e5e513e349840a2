"""Rules about the filters and the search of a list, against plain Python over the rows as JSON."""

from collections.abc import Callable, Iterator, Sequence
from operator import contains, eq, ge, gt, le, lt, ne
from typing import Any, Final
from urllib.parse import urlencode

from app.core.data.repository.repository import Repository
from app.core.data.sql.operators import related_field
from app.core.data.tables.folds import fold
from app.core.data.tables.links import links_of
from app.core.data.tables.queryable import searchable_of
from app.core.http.resource.filters import FilterParameter
from app.core.http.resource.values import MAX_TEXT
from app.testing.contract.answers import expect, expect_error, visible_parts
from app.testing.contract.operations import LIST
from app.testing.contract.queries import Rows, create_rows, get_list, ids_in, text_of
from app.testing.contract.resource import ResourceUnderTest, as_json
from app.testing.contract.rules import offers, rule

# A condition of a row's value and a value in a query, neither of them null.
_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    **{"eq": eq, "in": eq, "ne": ne, "lt": lt, "lte": le, "gt": gt, "gte": ge},
    "contains": contains,
    "icontains": lambda own, text: fold(text) in fold(own),
    "istartswith": lambda own, text: fold(own).startswith(fold(text)),
}
_INVALID: Final = {"boolean": "1", "integer": "1.0", "number": "NaN", "string": "\x00"}


def _matches(parameter: FilterParameter, value: Any, text: str) -> bool:
    if parameter.operator == "isnull":
        return (value is None) is (text == "true")
    if value is None:
        return parameter.operator == "ne"
    names = parameter.kind.schema.get("enum", ())  # a choice is compared in the order of its declaration
    read: Callable[[str], Any] = names.index if names else str if parameter.kind.is_text else parameter.kind.read
    own = [read(text_of(each)) for each in value] if isinstance(value, list) else read(text_of(value))
    return _COMPARISONS[parameter.operator](own, read(text))


def _texts_for(parameter: FilterParameter, values: Sequence[Any]) -> list[str]:
    present = [each for value in values for each in (value if isinstance(value, list) else [value]) if each is not None]
    texts = list(dict.fromkeys(text_of(value) for value in present))
    match parameter.operator:
        case "isnull":
            return ["true", "false"]
        case "icontains":
            return [text.swapcase()[1:9] or text for text in texts]
        case "istartswith":
            return [text.swapcase()[:8] for text in texts]
    return [text for text in texts if len(text) <= MAX_TEXT]


async def _values_of(tested: ResourceUnderTest, parameter: FilterParameter, rows: Rows) -> dict[int, Any]:
    """Return what the filter compares, by the id of the row; without the rows that refer to no row."""
    related = related_field(tested.resource.model, parameter.field)
    if not related:
        return {row["id"]: row[parameter.field] for row in rows}
    targets = Repository.of(related.model)(session=tested.db)
    return {
        row["id"]: as_json(await targets.select_one(row[related.reference]))[related.field]
        for row in rows
        if row[related.reference] is not None
    }


def _filters_of(tested: ResourceUnderTest) -> Iterator[FilterParameter]:
    return (each for each in tested.resource.lists.parameters.values() if isinstance(each, FilterParameter))


@rule(offers("list"))
async def a_filter_finds_exactly_the_rows_that_match(tested: ResourceUnderTest) -> None:
    """A filter with a value of a row finds the rows that match it, and no others. A named one divides the rows."""
    rows = await create_rows(tested)
    for parameter in _filters_of(tested):
        if parameter.operator != "is":
            values = await _values_of(tested, parameter, rows)
            for text in _texts_for(parameter, list(values.values())):
                label, answer = await get_list(tested, **{parameter.name: text})
                expect(label, ids_in(label, answer), [id for id in values if _matches(parameter, values[id], text)])
        elif parameter.schema["type"] == "boolean":
            found = [ids_in(*await get_list(tested, **{parameter.name: text})) for text in ("true", "false")]
            expect(f"{parameter.name}: true and false", sorted([*found[0], *found[1]]), [row["id"] for row in rows])
    for name in searchable_of(tested.resource.model):
        for row in (row for row in rows if (row[name] or "").split()):
            label, answer = await get_list(tested, q=row[name].split()[0].swapcase()[:50])
            assert row["id"] in ids_in(label, answer), f"{label}: does not find the row {row['id']} by its {name}"


def _invalid_for(parameter: FilterParameter) -> str:
    schema = parameter.schema.get("items", parameter.schema)
    return "?" if schema.keys() & {"format", "enum"} and schema["type"] == "string" else _INVALID[schema["type"]]


@rule(offers("list"))
async def an_invalid_filter_is_a_422_that_names_it(tested: ResourceUnderTest) -> None:
    """A filter with an invalid value or an unknown operator, or one that is repeated, is a 422 that names it."""
    for parameter in _filters_of(tested):
        wrong = {"an invalid value": {parameter.name: _invalid_for(parameter)}}
        wrong |= {"an unknown operator": {f"{parameter.name}__nothing": "1"}}
        for what, query in wrong.items():
            label, answer = await get_list(tested, **query)
            expect_error(f"{label}, {what}", answer, 422, f"query.{next(iter(query))}")
        if not parameter.is_repeatable:
            twice = await tested.send(tested.owner, LIST, after=f"?{parameter.name}=true&{parameter.name}=true")
            expect_error(f"{parameter.name} twice", twice, 422, f"query.{parameter.name}")
    for name, text in {"sort": "nothing", "fields": "id,nothing"}.items():
        label, answer = await get_list(tested, **{name: text})
        expect_error(label, answer, 422, f"query.{name}")


async def _answers(tested: ResourceUnderTest, rows: Rows) -> dict[str, Any]:
    found = {}
    for parameter in _filters_of(tested):
        values = [] if parameter.operator == "is" else [row.get(parameter.field) for row in rows]
        texts = _texts_for(parameter, values) or (["true"] if parameter.schema["type"] == "boolean" else [])
        for text in texts[:1]:
            after = f"?{urlencode({parameter.name: text, 'limit': 1, 'sort': '-id'})}"
            answer = await tested.send(tested.owner, LIST, after=after, headers={"Prefer": "count=exact"})
            found[after] = visible_parts(answer)
    return found


@rule(offers("list"))
async def rows_of_others_change_no_answer(tested: ResourceUnderTest) -> None:
    """An answer to a filter, with its total and its links, is the same whether other users have such rows or not."""
    rows = await create_rows(tested)
    alone = await _answers(tested, rows)
    references = {each.column for each in tested.references} | {each.column for each in links_of(tested.resource.model)}
    given = {name for name in tested.resource.create_schema.model_fields if name not in references}
    for row in rows:
        await tested.create_row(tested.stranger, **{name: row[name] for name in given & row.keys()})
    for query, answer in (await _answers(tested, rows)).items():
        expect(f"GET {tested.resource.path}{query}, with rows of others", answer, alone[query])
