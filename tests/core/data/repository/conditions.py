"""Random conditions on specimens, and the rows that match them in plain Python."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from app.core.data.repository.rows import Row
from app.core.data.sql.operators import operators_of
from tests.core.data.repository.conftest import POOLS, Stock
from tests.parts.reference import CUT, matches
from tests.parts.specimens import Specimen, attached

Chosen = tuple[str, str, Any]
"""A field, an operator and its value."""

SEARCH = settings(
    max_examples=100, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
with attached():
    OPERATORS = {name: operators_of(Specimen, name) for name in (*POOLS, "id", "shelf_id", "parent_id", "created_at")}


def values_of(field: str) -> st.SearchStrategy[Any]:
    """Values that some rows have, and others near to them."""
    known = st.sampled_from([value for value in POOLS.get(field, (1, 2, 40, 2**63 - 1)) if value is not None])
    if field in {"title", "nickname", "notes", "code_name"}:
        return known | st.text(
            st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=3
        )
    if field == "stars":
        return known | st.integers(-(2**53), 2**53)
    if field == "due_at":
        return (
            known.filter(lambda moment: 1 < moment.year < 9999).map(lambda moment: moment + timedelta(microseconds=1))
            | known
        )
    return known


@st.composite
def conditions(draw: st.DrawFn, fields: Sequence[str] = (*POOLS, "id", "shelf_id", "parent_id")) -> Chosen:
    field = draw(st.sampled_from(fields))
    operator = draw(st.sampled_from(OPERATORS[field]))
    if operator == "isnull":
        return field, draw(st.sampled_from(["isnull", "notnull"])), None
    value = values_of(field)
    return field, operator, draw(st.lists(value, max_size=4) if operator == "in" else value)


def expected(stock: Stock, chosen: Sequence[Chosen]) -> list[Row]:
    return [row for row in stock.rows if all(is_match(row, *each) for each in chosen)]


def is_match(row: Row, field: str, operator: str, value: Any) -> bool:
    return matches(getattr(row, field), operator, value, cut=None if field == "notes" else CUT)
