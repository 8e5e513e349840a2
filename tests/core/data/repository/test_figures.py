"""Figures: what plain Python computes from the rows that match, to the last byte, on every database."""

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.data.errors import SumTooLarge
from app.core.data.repository.figures import FiguresReader, FiguresRequest
from app.core.data.repository.repository import Repository
from app.core.data.repository.rows import Row
from app.core.data.sql.conditions import Condition
from app.core.data.sql.figure_declarations import count, max_of, min_of, sum_of
from app.core.data.sql.figures import MAX_GROUPS
from app.core.data.tables import now
from app.core.data.tables.field_types import MAX_SAFE_INT
from app.core.data.tables.folds import fold
from tests.core.data.repository.conditions import SEARCH, Chosen, conditions, expected, values_of
from tests.core.data.repository.conftest import Stock
from tests.parts.reference import CUT, has_words
from tests.parts.specimens import Sessions, Specimen, State, attached

GROUPS: Final = ("done", "kept", "stars", "found_on", "due_at", "code", "state", "shelf_id", "nickname", "title", "id")
Holds = Callable[[Row], bool]


class Both(NamedTuple):
    """A figure as it is declared, and the same condition in Python."""

    figure: Any
    holds: Holds = lambda _: True


EXTREMES: Final = {
    "rows": Both(count("All.")),
    "finished": Both(count("Done.", lambda row: row.done), lambda row: row.done),
    "worn": Both(count("Worn.", lambda row: row.state == State.WORN), lambda row: row.state is State.WORN),
    "dropped": Both(count("Not kept.", lambda row: ~row.kept), lambda row: row.kept is False),
    "past": Both(count("Before now.", lambda row: row.created_at < now())),
    "least": Both(min_of("stars", "Least.")),
    "most": Both(max_of("stars", "Most.", lambda row: row.done | row.kept), lambda row: row.done or row.kept),
    "smallest": Both(min_of("size", "Smallest.")),
    "largest": Both(max_of("size", "Largest.", lambda row: row.stars > 0), lambda row: (row.stars or 0) > 0),
    "first": Both(min_of("found_on", "First day.")),
    "last": Both(max_of("due_at", "Last time.")),
}
SUMS: Final = {
    "rows": EXTREMES["rows"],
    "all_stars": Both(sum_of("stars", "All stars.")),
    "bright": Both(sum_of("stars", "Of bright ones.", lambda row: row.stars >= 1), lambda row: (row.stars or 0) >= 1),
}


def reader_of(declared: dict[str, Both]) -> FiguresReader:
    figures = tuple((name, each.figure) for name, each in declared.items())
    return FiguresReader(Specimen, figures, GROUPS, __name__)


with attached():
    READERS = {len(declared): (declared, reader_of(declared)) for declared in (EXTREMES, SUMS)}


def computed(both: Both, rows: Sequence[Row]) -> Any:
    """The value of a figure in Python."""
    figure, found = both.figure, [row for row in rows if both.holds(row)]
    values = [value for row in found if (value := getattr(row, figure.field, None)) is not None]
    if figure.kind in {"count", "sum"}:
        value = len(found) if figure.kind == "count" else sum(values)
        if abs(value) > MAX_SAFE_INT:
            raise SumTooLarge("")
        return value
    choose: Any = min if figure.kind == "min" else max
    value = choose(values, default=None)
    # SQLite's RETURNING has 0 for 0.0, and PostgreSQL keeps the sign of -0.0.
    return value + 0.0 if figure.field == "size" and value is not None else value


def all_computed(declared: dict[str, Both], rows: Sequence[Row]) -> dict[str, Any]:
    return {name: computed(both, rows) for name, both in declared.items()}


def in_groups(declared: dict[str, Both], rows: Sequence[Row], field: str) -> Iterator[dict[str, Any]]:
    """The groups of the rows in the order of their field, nulls last."""
    values = dict.fromkeys(getattr(row, field) for row in rows)
    for value in sorted(values, key=lambda value: (value is None, *_sortable(value))):
        own = [row for row in rows if getattr(row, field) == value]
        yield {field: value} | all_computed(declared, own)


def _sortable(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value.value if isinstance(value, Enum) else value,)


def answer_of(declared: dict[str, Both], rows: Sequence[Row], group: str | None) -> bytes | None:
    """The whole answer in JSON; None if a sum is too large for it."""
    try:
        answer = all_computed(declared, rows)
        if group:
            groups = list(in_groups(declared, rows, group))
            shown = {row[group] for row in groups[:MAX_GROUPS]}
            others = [row for row in rows if getattr(row, group) not in shown]
            answer["groups"] = groups[:MAX_GROUPS]
            answer["other"] = all_computed(declared, others) if others else None
    except SumTooLarge:
        return None
    return msgspec.json.encode(answer)


async def ask(sessions: Sessions, reader: FiguresReader, request: FiguresRequest, user: str = "alice") -> bytes | None:
    async with sessions.of(user) as session:
        try:
            found = await Repository.of(Specimen)(session=session).select_figures(reader, request)
        except SumTooLarge:
            return None
        return msgspec.json.encode(found)


def request_for(chosen: Sequence[Chosen], words: Sequence[str], group: str | None) -> FiguresRequest:
    listed = sorted(chosen, key=lambda each: each[:2])
    found = tuple(Condition(field, operator) for field, operator, _ in listed)
    return FiguresRequest(group, found, tuple(value for *_, value in listed), tuple(words))


@given(
    chosen=st.lists(conditions(), max_size=2),
    words=st.lists(values_of("title").map(fold).filter(bool), max_size=1),
    group=st.none() | st.sampled_from(GROUPS),
    kind=st.sampled_from([*READERS]),
)
@SEARCH
async def test_figures_of_random_filters_are_those_of_python(
    stock: Stock, chosen: list[Chosen], words: list[str], group: str | None, kind: int
) -> None:
    declared, reader = READERS[kind]
    rows = [row for row in expected(stock, chosen) if has_words([(row.title, CUT), (row.notes, None)], words)]

    found = await ask(stock.sessions, reader, request_for(chosen, words, group))

    assert found == answer_of(declared, rows, group)


@pytest.mark.parametrize("group", [None, *GROUPS])
@pytest.mark.parametrize("kind", [*READERS])
async def test_figures_of_all_rows_and_of_each_group_are_those_of_python(
    stock: Stock, group: str | None, kind: int
) -> None:
    declared, reader = READERS[kind]
    for chosen in ([], [("done", "eq", True)], [("id", "eq", 2**62)]):
        found = await ask(stock.sessions, reader, request_for(chosen, (), group))
        assert found == answer_of(declared, expected(stock, chosen), group)


@pytest.fixture(scope="module")
async def many(stock: Stock) -> list[Row]:
    """Carol's specimens, which have more values than an answer has groups."""
    async with stock.sessions.of("carol") as session:
        rows = Repository.of(Specimen)(session=session)
        numbers = [*range(MAX_GROUPS + 5), 3, 3, MAX_GROUPS + 1, None, None]
        return [await rows.insert_one({"title": f"{n}", "stars": n, "done": n == 3}) for n in numbers]


@pytest.mark.parametrize("group", ["stars", "title", "done"])
async def test_rows_after_the_last_group_are_one_group(stock: Stock, many: list[Row], group: str) -> None:
    for declared, reader in READERS.values():
        assert await ask(stock.sessions, reader, FiguresRequest(group), "carol") == answer_of(declared, many, group)
    assert (await ask(stock.sessions, READERS[len(EXTREMES)][1], FiguresRequest(group), "dora") or b"")[-25:] == (
        b'"groups":[],"other":null}'
    )
