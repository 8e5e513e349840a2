"""Stats: declared figures over HTTP and on both databases, and declarations that are refused."""

from types import new_class
from typing import Any, cast

import pytest
from sqlalchemy import exists, func
from sqlalchemy.orm import aliased

from app.core.data.errors import InvalidDeclaration
from app.core.data.ownership.session import AppSession
from app.core.data.sql.figures import MAX_GROUPS
from app.core.data.tables.registry import table_of
from app.core.http.resource.controller import ResourceController
from app.core.http.resource.filters import NamedFilter
from app.core.http.resource.stats import count, figures, max_of, min_of, sum_of
from app.projects.models import Project
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.clients import Client, CountQueries
from app.testing.factories import factory_of
from tests.contract_faults import Faultless
from tests.library import Library
from tests.parts.applications import app_with

Tasks = ResourceController[Task, TaskCreate, TaskUpdate]
BOOKS = "/api/sample-books"


class Counting:
    """A mixin with figures."""

    stats = figures(total=count("All."))


def made(*bases: Any, **body: Any) -> Any:
    return new_class("Made", bases or (Tasks,), exec_body=lambda names: names.update(path="/api/made", **body))


def shelf(library: Library, name: str, user: str) -> int:
    return int(library.ask("POST", "/api/sample-shelves", {"name": name}, user).body["id"])


def book(library: Library, user: str, shelf_id: int, **more: Any) -> dict[str, Any]:
    return dict(library.ask("POST", BOOKS, {"title": "A", "pages": 1, "shelf_id": shelf_id, **more}, user).body)


def test_without_rows_counts_and_sums_are_zero_and_extremes_null(library: Library) -> None:
    found = library.ask("GET", f"{BOOKS}/stats", user="nobody").body

    assert found == {
        **dict.fromkeys(("books", "lent", "overdue", "all_pages", "pages_of_worn"), 0),
        **dict.fromkeys(("worst", "newest", "lent_last")),
    }
    grouped = library.ask("GET", f"{BOOKS}/stats?group=state", user="nobody").body
    assert grouped == {**found, "groups": [], "other": None}


def test_figures_are_in_the_order_of_their_declaration_and_a_group_begins_with_its_value(library: Library) -> None:
    book(library, "hanna", shelf(library, "of the order", "hanna"))
    found = library.ask("GET", f"{BOOKS}/stats?group=cover", user="hanna").body
    names = ["books", "lent", "overdue", "all_pages", "pages_of_worn", "worst", "newest", "lent_last"]

    assert list(found) == [*names, "groups", "other"]
    assert [list(group) for group in found["groups"]] == [["cover", *names]]
    assert found["groups"][0]["cover"] is None


def test_filters_of_referenced_rows_named_filters_and_a_search_choose_the_rows(library: Library) -> None:
    first, second = (shelf(library, name, "ida") for name in ("left", "right"))
    for shelf_id, pages, title in ((first, 10, "Milk"), (first, 300, "Mílk and honey"), (second, 500, "Honey")):
        book(library, "ida", shelf_id, pages=pages, title=title)

    def pages_of(query: str) -> Any:
        return library.ask("GET", f"{BOOKS}/stats?{query}", user="ida").body["all_pages"]

    assert pages_of("shelf__name=left") == 310
    assert pages_of("thicker_than=10") == 800
    assert pages_of("well_rated=false") == 810
    assert pages_of("q=milk") == 310
    assert pages_of("q=milk&thicker_than=10&group=state") == 300


def test_a_sum_that_javascript_would_round_is_a_422_and_fewer_rows_are_not(library: Library) -> None:
    shelf_id = shelf(library, "of thick ones", "kim")
    for pages in (2**53 - 1, 0, 1):
        book(library, "kim", shelf_id, pages=pages)
    refused = library.ask("GET", f"{BOOKS}/stats", user="kim")

    assert refused.status == 422
    assert refused.body["errors"][0]["loc"] == ["query"]
    assert "`all_pages`" in refused.body["detail"]
    assert library.ask("GET", f"{BOOKS}/stats?pages__ne=1", user="kim").body["all_pages"] == 2**53 - 1


def test_the_document_has_the_figures_and_what_chooses_rows(library: Library) -> None:
    document = library.document()
    operation, schemas = document["paths"][f"{BOOKS}/stats"]["get"], document["components"]["schemas"]
    parameters = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"]}
    whole, group = schemas["SampleBookStats"], schemas["SampleBookStatsGroup"]
    listed = {parameter["name"] for parameter in document["paths"][BOOKS]["get"]["parameters"]}

    assert (operation["operationId"], operation["summary"]) == (
        "sample_books_stats",
        "Compute figures of sample books",
    )
    assert parameters["group"]["enum"][:2] == ["state", "shelf_id"]
    of_rows = {"limit", "offset", "after", "before", "sort", "fields", "expand", "counts", "Prefer"}
    assert listed - parameters.keys() == listed & of_rows
    assert parameters.keys() - listed == {"group"}
    assert whole["properties"].keys() - set(whole["required"]) == {"groups", "other"}
    assert group["properties"].keys() - set(group["required"]) == set(parameters["group"]["enum"])
    assert "group" not in {each["name"] for each in document["paths"][f"{BOOKS}/totals"]["get"].get("parameters", ())}


async def test_an_answer_is_one_statement_and_a_refused_one_is_none(
    sessions: Any, db: AppSession, count_queries: CountQueries
) -> None:
    await factory_of(Task).create_batch_async(MAX_GROUPS + 3, user_id="alice")
    client = Client(app_with(Faultless, sessions), "alice")
    for query, expected in (("", 1), ("?group=title&completed=false", 1), ("?group=nothing", 0), ("?limit=1", 0)):
        with count_queries() as executed:
            answer = await client.get(f"{Faultless.path}/stats{query}")
        assert (len(executed), answer.is_success) == (expected, bool(expected)), (query, executed)


async def test_the_rows_after_the_last_group_are_other(sessions: Any, db: AppSession) -> None:
    for number in range(MAX_GROUPS + 2):
        await factory_of(Task).create_async(user_id="alice", title=f"{number:03}", completed=number % 2 == 0)
    found = (await Client(app_with(Faultless, sessions), "alice").get(f"{Faultless.path}/stats?group=title")).json()

    assert [group["title"] for group in found["groups"]] == [f"{number:03}" for number in range(MAX_GROUPS)]
    assert {name: found["other"][name] for name in ("total", "open")} == {"total": 2, "open": 1}
    assert (found["total"], found["open"]) == (MAX_GROUPS + 2, MAX_GROUPS // 2 + 1)


@pytest.mark.any_database
async def test_stats_is_a_path_of_its_own(sessions: Any, db: AppSession) -> None:
    client = Client(app_with(Faultless, sessions), "alice")
    refused = await client.put(f"{Faultless.path}/stats", json={})

    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert (await client.get(f"{Faultless.path}/stats/")).json() == (await client.get(f"{Faultless.path}/stats")).json()
    assert (await client.get(f"{Faultless.path}/statistics")).status_code == 404


@pytest.mark.any_database
@pytest.mark.parametrize("bases", [(Counting, Tasks), (Tasks, Counting)])
async def test_a_mixin_may_have_figures(bases: tuple[Any, ...], sessions: Any, db: AppSession) -> None:
    resource = made(*bases)
    await factory_of(Task).create_async(user_id="alice")

    answer = await Client(app_with(resource, sessions), "alice").get("/api/made/stats")

    assert answer.json() == {"total": 1}
    assert resource.operations == {*made().operations, "stats"}
    assert made(resource).figures.figures == resource.figures.figures


@pytest.mark.any_database
def test_a_class_offers_the_figures_of_its_operations() -> None:
    assert made().figures is None
    assert made(Counting, Tasks, operations={"list"}).figures is None
    with pytest.raises(InvalidDeclaration, match=r"Made\.operations leaves out 'stats'"):
        made(stats=figures(total=count("All.")), operations={"list"})


def of_other_table(task: Any) -> Any:
    return table_of(Project).c.archived


ALL = count("All.")
OF_PYTHON: Any = lambda task: not task.completed  # noqa: E731
CONSTANT: Any = lambda _: True  # noqa: E731
WRONG: dict[str, tuple[Any, str]] = {
    "none": (figures(), "has no figure; write figures"),
    "no figure": (figures(total=cast("Any", func.count())), "gives 'total' .*, which is no figure; write count"),
    "a sum of a text": (figures(sum=sum_of("title", "A.")), "the sum of 'title', .* Task has none"),
    "a sum of a flag": (figures(sum=sum_of("completed", "A.")), "the sum of 'completed'"),
    "a sum of references": (figures(sum=sum_of("project_id", "A.")), "the sum of 'project_id'"),
    "a sum of ids": (figures(sum=sum_of("id", "A.")), "the sum of 'id'"),
    "a minimum of a text": (figures(least=min_of("title", "A.")), "the min of 'title', .* choose from id, "),
    "a maximum of nothing": (figures(most=max_of("nothing", "A.")), "the max of 'nothing'"),
    "a maximum of the owner": (figures(most=max_of("user_id", "A.")), "the max of 'user_id'"),
    "a row of another table": (figures(most=max_of("project__archived", "A.")), "the max of 'project__archived'"),
    "an unknown field": (figures(open=count("A.", lambda task: task.done)), "'open' a condition that fails: .*'done'"),
    "Python's not": (figures(open=count("A.", OF_PYTHON)), "'open' a condition that fails: .*~"),
    "a constant": (figures(open=count("A.", CONSTANT)), "the condition True, which is no SQL condition"),
    "a text": (figures(open=count("A.", lambda task: task.title)), "which is no SQL condition"),
    "a table beside": (figures(open=count("A.", of_other_table)), "a condition that reads projects"),
    "a list": (figures(open=count("A.", lambda task: task.title.in_(["a"]))), "a condition with a list"),
    "raw SQL": (figures(open=count("A.", lambda task: task.title.op("; --")("a") == 1)), "is no SQL for this table"),
    "a group in a text": (figures(total=ALL, group_by="completed"), r'has group_by=.*write a tuple'),  # type: ignore[arg-type]
    "an unknown group": (figures(total=ALL, group_by=("done",)), "cannot group by 'done'; choose from id, title"),
    "the owner as a group": (figures(total=ALL, group_by=("user_id",)), "cannot group by 'user_id'"),
    "long texts as groups": (figures(total=ALL, group_by=("description",)), "cannot group by 'description'"),
    "a group twice": (figures(total=ALL, group_by=("title", "title")), "groups by 'title' twice"),
    "a figure like a group": (figures(title=ALL, group_by=("title",)), "has a figure 'title', and another part"),
    "a figure like a part": (figures(groups=ALL, group_by=("title",)), "has a figure 'groups', and another part"),
}  # fmt: skip


@pytest.mark.any_database
@pytest.mark.parametrize("fault", WRONG)
def test_wrong_figures_are_refused_with_their_class_and_a_remedy(fault: str) -> None:
    wrong, message = WRONG[fault]
    with pytest.raises(InvalidDeclaration, match=rf"^Made\.stats .*{message}"):
        made(stats=wrong)


@pytest.mark.any_database
def test_figures_are_called_stats_and_a_filter_is_not_called_group() -> None:
    with pytest.raises(InvalidDeclaration, match=r"^Made\.totals is figures\(\); call the attribute 'stats'\.$"):
        made(totals=figures(total=ALL))
    named = (NamedFilter("group", "A.", lambda task: task.completed),)
    with pytest.raises(InvalidDeclaration, match="'group' already"):
        made(stats=figures(total=ALL, group_by=("title",)), named_filters=named)
    assert made(stats=figures(total=ALL), named_filters=named).figures


@pytest.mark.any_database
def test_a_condition_may_ask_for_other_rows() -> None:
    other: Any = aliased(Project)
    archived = lambda task: exists().where(other.id == task.project_id, other.archived)  # noqa: E731

    assert made(stats=figures(archived=count("Those of archived projects.", archived))).figures
