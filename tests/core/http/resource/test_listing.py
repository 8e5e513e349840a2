"""The query of a list: what it becomes, what is refused, what a controller may declare, and that memory is bounded."""

from datetime import UTC, datetime
from types import new_class
from typing import Any

import pytest
from litestar.exceptions import ValidationException
from sqlalchemy.ext.asyncio import async_sessionmaker

from app.core.data.errors import InvalidDeclaration
from app.core.data.ownership.session import AppSession
from app.core.data.sql.conditions import Condition, Sort
from app.core.data.sql.shapes import MAX_SHAPES
from app.core.data.tables import TimeZone, clock, day_in
from app.core.http.resource import relations
from app.core.http.resource.controller import ResourceController
from app.core.http.resource.filters import NamedFilter
from app.core.http.resource.list_parameters import DEFAULT_LIMIT
from app.core.http.resource.listing import ListQuery
from app.core.http.resource.page_size import max_page_size
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.clients import Client
from app.testing.factories import factory_of
from tests.parts.applications import app_with


def is_urgent(task: Any) -> Any:
    return task.completed


def tasks(**body: Any) -> Any:
    bases = (ResourceController[Task, TaskCreate, TaskUpdate],)
    return new_class("Tasks", bases, exec_body=lambda names: names.update(path="/api/listed", **body))


URGENT = NamedFilter("urgent", "Tasks that are urgent.", is_urgent)
TODAY = NamedFilter(
    "today",
    "Tasks that were created today in this time zone.",
    lambda task, first, last: (task.created_at >= first) & (task.created_at < last),
    type=TimeZone,
    values=day_in,
)
LISTED = tasks(named_filters=(URGENT, TODAY))


def parsed(query: str) -> ListQuery:
    found = LISTED.lists.parser.parse(query.encode())
    assert isinstance(found, ListQuery)
    return found


def test_conditions_have_one_order_and_their_values() -> None:
    both = parsed("title=B&id__in=3,1&id__in=3&title=B"), parsed("id__in=3,1&id__in=3&title=B")

    assert both[0].conditions == both[1].conditions == (Condition("id", "in"), Condition("title", "eq"))
    assert both[1].values == ([3, 1], "B")
    assert parsed("completed__ne=true&completed__ne=false").values == (True, False)
    assert parsed("description__isnull=true").conditions == (Condition("description", "isnull"),)
    assert parsed("description__isnull=false").conditions == (Condition("description", "notnull"),)
    assert parsed("urgent=true").conditions == (Condition("urgent", "is", is_urgent),)
    assert parsed("urgent=false").conditions == (Condition("urgent", "isnot", is_urgent),)
    assert parsed("urgent=false").values == ((),)


@pytest.mark.parametrize(
    ("query", "order"),
    [("sort=id", ()), ("sort=-id", (Sort("id", True),)), ("", ())],
)
def test_an_order_ends_with_the_id(query: str, order: tuple[Sort, ...]) -> None:
    assert parsed(query).order == order


def test_every_page_of_a_list_has_the_same_rest_well_encoded() -> None:
    found = parsed("title=a%26b+c%2B%C3%BC&limit=7&sort=-id&offset=3&fields=title&id__in=1,2")

    assert found.rest == "&fields=title&id__in=1%2C2&sort=-id&title=a%26b%20c%2B%C3%BC"
    assert found.selection == "&id__in=1%2C2&sort=-id&title=a%26b%20c%2B%C3%BC"
    assert (found.limit, found.offset, found.fields) == (7, 3, ("id", "title"))
    assert parsed(found.rest[1:]).values == found.values


@pytest.mark.parametrize(
    ("query", "named", "words"),
    [
        ("sort=", "sort", "Choose from"),
        ("sort=id,id", "sort", "only once"),
        ("sort=id,-id", "sort", "only once"),
        ("sort=+id", "sort", "Choose from"),
        ("sort=--id", "sort", "Choose from"),
        ("fields=", "fields", "Choose from"),
        ("fields=title,title", "fields", "only once"),
        ("fields=title,", "fields", "Choose from id, user_id"),
        ("id__in=", "id__in", "no empty one"),
        ("id__in=1,,2", "id__in", "no empty one"),
        ("id__in=" + ",".join(map(str, range(101))), "id__in", "at most 100"),
        ("title__in=", "title__in", "no empty one"),
        ("description__isnull=1", "description__isnull", "true or false"),
        ("urgent=1", "urgent", "true or false"),
        ("&".join(f"id__ne={number}" for number in range(11)), "id__ne", "at most 10 conditions"),
        ("title=%FF", "title", "UTF-8"),
        ("title=%ED%A0%80", "title", "UTF-8"),
        ("title=%00", "title", "NUL"),
        ("after=1&before=2", "after", "only one"),
        ("limit=0", "limit", "from 1 to"),
    ],
)
def test_an_invalid_query_names_the_parameter(query: str, named: str, words: str) -> None:
    with pytest.raises(ValidationException) as refused:
        parsed(query)

    assert isinstance(refused.value.extra, list)
    (error,) = refused.value.extra
    assert error["key"] == named
    assert words in error["message"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"filters": {"titel"}}, "Tasks.filters: 'titel' is no field that can be filtered; choose from id, title"),
        ({"filters": {"user_id"}}, "Tasks.filters: 'user_id' is no field that can be filtered"),
        ({"filters": "title"}, "Tasks.filters: 'title' is no set"),
        ({"named_filters": (URGENT, URGENT)}, "Tasks.named_filters: 'urgent' is a parameter already"),
        ({"named_filters": (NamedFilter("title", "T.", is_urgent),)}, "'title' is a parameter already"),
        ({"named_filters": (NamedFilter("sort", "S.", is_urgent),)}, "'sort' cannot be the name of a filter"),
        ({"named_filters": (NamedFilter("not a name", "S.", is_urgent),)}, "cannot be the name of a filter"),
        ({"named_filters": (NamedFilter("x", "S.", is_urgent, type=list[str]),)}, "'x' has a wrong type"),
        ({"named_filters": (NamedFilter("x", "S.", is_urgent, values=day_in),)}, "'x' has a wrong type: values"),
        ({"expand": "project"}, "Tasks.expand: 'project' is no tuple; write (\"project\",)"),
        ({"expand": ("project_id",)}, "Tasks.expand: 'project_id' is no ref() or refs() field without its _id"),
        ({"expand": ("project", "project")}, "Tasks.expand: 'project' is there twice; remove one"),
    ],
)
def test_a_wrong_declaration_is_one_sentence(body: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        tasks(**body)

    assert words in str(refused.value)


@pytest.mark.parametrize("name", ["archived", "project__nothing", "project__user_id", "nothing__archived", "title__x"])
def test_a_related_filter_names_a_field_of_a_referenced_row(name: str) -> None:
    with pytest.raises(InvalidDeclaration, match=rf"^Tasks\.related_filters: '{name}' is no field of a referenced row"):
        tasks(related_filters=(name,)).lists.check()


@pytest.mark.parametrize("name", ["projects", "tasks.project_id", "nothing"])
def test_counts_names_a_table_that_refers(name: str) -> None:
    with pytest.raises(InvalidDeclaration, match=rf"^Tasks\.counts: '{name}' is no table with exactly one reference"):
        tasks(counts=(name,)).lists.check()


async def test_a_value_that_depends_on_the_clock_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, sessions: async_sessionmaker[AppSession], db: AppSession
) -> None:
    client = Client(app_with(LISTED, sessions), "alice")
    for hour in (22, 23):
        moment = datetime(2026, 3, 28, hour, 30, tzinfo=UTC)
        await factory_of(Task).create_async(user_id="alice", title=str(hour), created_at=moment)
    found = []
    for hour in (22, 23):
        monkeypatch.setattr(clock, "utcnow", lambda: datetime(2026, 3, 28, hour, 45, tzinfo=UTC))  # noqa: B023
        found += [row["title"] for row in (await client.get("/api/listed?today=Europe/Berlin")).json()]

    assert found == ["22", "23"]


@pytest.mark.parametrize("zone", ["Berlin", "europe/berlin", "", "../UTC", "/etc/passwd", "localtime", "Europe"])
def test_a_time_zone_has_a_name_of_the_iana(zone: str) -> None:
    with pytest.raises(ValidationException) as refused:
        parsed(f"today={zone}")

    assert "IANA name" in str(refused.value.extra)


def test_filters_limits_the_fields() -> None:
    offered = tasks(filters={"completed"}, related_filters=("project__name",)).lists.parameters

    assert {name.partition("__")[0] for name in offered if name not in tasks(filters=set()).lists.parameters} == {
        "completed",
        "project",
    }


def test_the_size_of_a_row_is_computed_once_and_not_for_each_query(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[Any] = []

    def counted(*arguments: Any) -> int:
        computed.append(arguments)
        return max_page_size(*arguments)

    monkeypatch.setattr(relations, "max_page_size", counted)
    parser = tasks().lists.parser
    limits = {parser.parse(f"after={row_id}".encode()).limit for row_id in range(1, 20)}

    assert limits == {DEFAULT_LIMIT}
    assert len(computed) == 1


def test_queries_do_not_fill_the_memory() -> None:
    parser = LISTED.lists.parser
    for number in range(MAX_SHAPES + 100):
        parser.parse(b"id=%d" % number)
        parser.parse(b"title=%d" % number + b"x" * 900)

    assert parser._parse_cached.cache_info().currsize == MAX_SHAPES
