"""Rules about the figures of a resource, against plain Python over the rows of its list as JSON."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from app.core.data.repository.figures import FiguresReader
from app.core.data.repository.pages import PageRequest
from app.core.data.repository.repository import Repository
from app.core.data.sql.conditions import Condition
from app.core.data.sql.figures import Figure
from app.core.data.sql.operators import operators_of
from app.core.data.tables.queryable import searchable_of
from app.core.http.resource.filters import FilterParameter
from app.core.http.resource.values import MAX_TEXT, value_type_of
from app.testing.contract.answers import expect, expect_error, row_in, visible_parts
from app.testing.contract.operations import STATS
from app.testing.contract.queries import Rows, create_rows, get_list, ids_in, text_of
from app.testing.contract.resource import ResourceUnderTest
from app.testing.contract.rules import has_figures, offers, rule

_OF_PAGES: Final = ("limit=1", "offset=0", "after=0", "before=1", "sort=id", "fields=id")
_MAX_PART: Final = 8  # characters of a text that is searched

Holds = Mapping[str, set[int]]
"""The ids of the rows for which the condition of a figure is true, by the name of the figure."""


def _figures(tested: ResourceUnderTest) -> FiguresReader:
    assert tested.resource.figures
    return tested.resource.figures


async def _get_stats(tested: ResourceUnderTest, **query: str) -> tuple[str, httpx.Response]:
    after = f"?{urlencode(query)}"
    return f"GET {tested.resource.path}/stats{after}", await tested.send(tested.owner, STATS, after=after)


async def _rows_that_count(tested: ResourceUnderTest, rows: Rows) -> Holds:
    # By the list, whose query is another one.
    repository, holds = Repository.of(tested.resource.model)(session=tested.db), {}
    for name, figure in _figures(tested).figures:
        ids = {row["id"] for row in rows}
        if figure.condition:
            first = PageRequest(500, conditions=(Condition(name, "is", figure.condition),), values=((),))
            ids &= {row.id for row in (await repository.select_page(first)).rows}
        holds[name] = ids
    return holds


def _reading(tested: ResourceUnderTest, field: str) -> Callable[[Any], Any]:
    """Return the function from a field's value in JSON to one that Python compares as the database does."""
    declared = tested.resource.model.model_fields[field]
    kind = value_type_of(declared.annotation, tuple(declared.metadata))
    assert kind
    read: Callable[[str], Any] = str if kind.is_text else kind.read
    if "enum" in kind.schema:
        read = kind.schema["enum"].index if "lt" in operators_of(tested.resource.model, field) else str
    return lambda value: read(text_of(value))


def _compute(tested: ResourceUnderTest, figure: Figure, rows: Rows) -> Any:
    if figure.kind == "count":
        return len(rows)
    values = [row[figure.field] for row in rows if row[figure.field] is not None]
    if figure.kind == "sum":
        return sum(map(Decimal, values))
    choose = min if figure.kind == "min" else max
    return choose(values, key=_reading(tested, figure.field)) if values else None


def _expect_figures(label: str, tested: ResourceUnderTest, found: Any, rows: Rows, holds: Holds) -> None:
    for name, figure in _figures(tested).figures:
        expected = _compute(tested, figure, [row for row in rows if row["id"] in holds[name]])
        came = Decimal(found[name]) if figure.kind == "sum" else found[name]
        expect(f"{label}: {name}", came, expected)


def _queries(tested: ResourceUnderTest, rows: Rows) -> Iterator[dict[str, str]]:
    """Yield a query without filters, one for each filter, and one for each searchable field."""
    yield {}
    for name, parameter in tested.resource.lists.parameters.items():
        if isinstance(parameter, FilterParameter) and (text := _text_for(parameter, rows[0])):
            yield {name: text}
    for name in searchable_of(tested.resource.model):
        yield from ({"q": text.split()[0][:_MAX_PART]} for row in rows[:1] if (text := row[name] or "").split())


def _text_for(parameter: FilterParameter, row: dict[str, Any]) -> str | None:
    if parameter.operator == "isnull":
        return "true"
    value = row.get(parameter.field, True if parameter.schema.get("type") == "boolean" else None)
    found = next(iter(value), None) if isinstance(value, list) else value
    text = "" if found is None else text_of(found)
    if parameter.operator in {"icontains", "istartswith"}:
        return text[:_MAX_PART]
    return text if len(text) <= MAX_TEXT else None


@rule(has_figures, offers("list"))
async def figures_are_those_of_the_list(tested: ResourceUnderTest) -> None:
    """With each filter and search, also without rows, the figures are what Python computes from the list."""
    label, answer = await _get_stats(tested)
    _expect_figures(f"{label} without rows", tested, row_in(answer), [], await _rows_that_count(tested, []))
    rows = await create_rows(tested)
    holds = await _rows_that_count(tested, rows)
    for query in _queries(tested, rows):
        ids = ids_in(*await get_list(tested, **query))
        label, answer = await _get_stats(tested, **query)
        found = row_in(answer)
        expect(f"{label}: the names", list(found), [name for name, _ in _figures(tested).figures])
        _expect_figures(label, tested, found, [row for row in rows if row["id"] in ids], holds)


@rule(has_figures, offers("list"))
async def groups_divide_the_rows(tested: ResourceUnderTest) -> None:
    """With `group`, each value of the field is a group, in the order of the values, null last. `other` is null."""
    rows = await create_rows(tested)
    holds = await _rows_that_count(tested, rows)
    for field in _figures(tested).group_by:
        label, answer = await _get_stats(tested, group=field)
        found, read = row_in(answer), _reading(tested, field)
        values = {text_of(row[field]): row[field] for row in rows}.values()
        expected = sorted((value for value in values if value is not None), key=read)
        expected += [value for value in values if value is None]
        expect(f"{label}: the groups", [group[field] for group in found["groups"]], expected)
        for group in found["groups"]:
            own = [row for row in rows if row[field] == group[field]]
            _expect_figures(f"{label}: {group[field]}", tested, group, own, holds)
        expect(f"{label}: other", found["other"], None)
        _expect_figures(label, tested, found, rows, holds)


@rule(has_figures)
async def figures_refuse_what_chooses_no_rows(tested: ResourceUnderTest) -> None:
    """Parameters of pages, orders and fields are a 422 that names them, and so is a wrong `group`."""
    await tested.create_row(tested.owner)
    for query in _OF_PAGES:
        answer = await tested.send(tested.owner, STATS, after=f"?{query}")
        expect_error(query, answer, 422, f"query.{query.partition('=')[0]}")
    for query in ("group=", "group=nothing", "group=user_id", "group=id&group=id"):
        expect_error(query, await tested.send(tested.owner, STATS, after=f"?{query}"), 422, "query.group")


@rule(has_figures, offers("list"))
async def rows_of_others_change_no_figure(tested: ResourceUnderTest) -> None:
    """The figures, with each filter and group, are the same whether other users have such rows or not."""
    rows = await create_rows(tested)
    queries = [*_queries(tested, rows), *({"group": field} for field in _figures(tested).group_by)]
    alone = [visible_parts((await _get_stats(tested, **query))[1]) for query in queries]
    references = {reference.column for reference in tested.references}
    given = {name for name in tested.resource.create_schema.model_fields if name not in references}
    for row in rows:
        await tested.create_row(tested.stranger, **{name: row[name] for name in given & row.keys()})
    for query, expected in zip(queries, alone, strict=True):
        label, answer = await _get_stats(tested, **query)
        expect(f"{label}, with rows of others", visible_parts(answer), expected)
