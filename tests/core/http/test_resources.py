"""Resources: what a noun of several words, or one that begins with a vowel, is called in the docs."""

import pytest
from litestar.handlers import HTTPRouteHandler

from app.core.http.resources import ResourceController
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate


@pytest.mark.parametrize(
    ("name", "table", "summary", "listing"),
    [
        ("Task", "tasks", "Create a task", "List tasks"),
        ("LineItem", "line_items", "Create a line item", "List line items"),
        ("Invoice", "invoices", "Create an invoice", "List invoices"),
    ],
)
def test_the_docs_speak_of_the_noun(name: str, table: str, summary: str, listing: str) -> None:
    class Controller(ResourceController[Task, TaskCreate, TaskUpdate]):
        path = "/api/named"

    Controller.model = type(name, (), {"__tablename__": table, "__table__": Task.__table__})
    handlers = Controller(owner=None).get_route_handlers()  # type: ignore[arg-type]  # nobody asks the owner here
    named = {h.operation_id: h.summary for h in handlers if isinstance(h, HTTPRouteHandler)}

    assert (named[f"{table}_create"], named[f"{table}_list"]) == (summary, listing)
