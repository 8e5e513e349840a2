"""Fields of a page: the query reads the chosen ones only, and the others are not in the JSON."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.data.repository.pages import PageRequest
from app.core.data.repository.repository import Repository
from app.core.data.repository.rows import row_struct
from app.core.data.sql.conditions import Sort
from app.core.data.sql.pages import page_columns
from tests.core.data.repository.conftest import Stock
from tests.parts.reference import in_order
from tests.parts.specimens import Specimen, attached

with attached():
    FIELDS = row_struct(Specimen).__struct_fields__


@given(
    fields=st.lists(st.sampled_from(FIELDS), min_size=1, unique=True).map(tuple),
    order=st.sampled_from([(), (Sort("title"),), (Sort("due_at", True),), (Sort("done"), Sort("nickname"))]),
)
@settings(max_examples=25, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
async def test_rows_have_the_chosen_fields_and_id(
    stock: Stock, fields: tuple[str, ...], order: tuple[Sort, ...]
) -> None:
    async with stock.sessions.of("alice") as session:
        repository = Repository.of(Specimen)(session=session)
        page = await repository.select_page(PageRequest(200, order=order, fields=fields, count="exact"))
        last = await repository.select_page(PageRequest(1, order=order, fields=fields, before=page.last_key))

    chosen = {"id", *fields}
    whole = [msgspec.to_builtins(row) for row in in_order(stock.rows, order)]
    expected = [{name: value for name, value in row.items() if name in chosen} for row in whole]
    assert msgspec.to_builtins(page.rows) == expected
    assert msgspec.to_builtins(last.rows) == expected[-2:-1]


@pytest.mark.any_database
def test_the_query_reads_only_the_fields_and_the_columns_of_the_order(stock: Stock) -> None:
    read = [column.key for column in page_columns(Specimen, (Sort("title"), Sort("done")), ("stars",))]

    assert read == ["id", "stars", "title_fold", "done"]
