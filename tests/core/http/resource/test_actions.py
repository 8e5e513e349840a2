"""Actions: a declared change to one row, and a query that the frame does not have, over HTTP and on both databases."""

from datetime import datetime
from types import new_class
from typing import Any

import pytest

from app.core.data.errors import InvalidDeclaration
from app.core.data.ownership.session import AppSession
from app.core.http.body.dto import CreateSchema, UpdateSchema
from app.core.http.resource.actions import action
from app.core.http.resource.controller import ResourceController
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.clients import Client, CountQueries
from app.testing.factories import factory_of
from tests.contract_faults import Faultless
from tests.library import Library
from tests.parts.applications import app_with

Tasks = ResourceController[Task, TaskCreate, TaskUpdate]
BOOKS, SHELVES = "/api/sample-books", "/api/sample-shelves"


class Finishing:
    """A mixin with an action."""

    finish_now = action("Finish it.", {"completed": True})


def made(*bases: Any, **body: Any) -> Any:
    return new_class("Made", bases or (Tasks,), exec_body=lambda names: names.update(path="/api/made", **body))


def shelf(library: Library, name: str, user: str = "alice", **more: Any) -> dict[str, Any]:
    return dict(library.ask("POST", SHELVES, {"name": name, **more}, user).body)


def book(library: Library, shelf_id: int, user: str = "alice", **more: Any) -> dict[str, Any]:
    return dict(library.ask("POST", BOOKS, {"title": "A", "pages": 1, "shelf_id": shelf_id, **more}, user).body)


def test_an_expression_is_computed_from_the_row_by_the_database(library: Library) -> None:
    row = book(library, shelf(library, "of pages")["id"])
    answers = [library.ask("POST", f"{BOOKS}/{row['id']}/add-page") for _ in range(3)]

    assert [answer.body["pages"] for answer in answers] == [2, 3, 4]
    assert len({answer.headers["etag"] for answer in answers}) == 3
    assert library.ask("GET", f"{BOOKS}/{row['id']}").body == answers[-1].body


def test_the_time_of_the_database_is_an_instant_of_the_row(library: Library) -> None:
    row = book(library, shelf(library, "of loans")["id"])
    first, second = [library.ask("POST", f"{BOOKS}/{row['id']}/lend") for _ in range(2)]
    lent, created, changed = (
        datetime.fromisoformat(first.body[name]) for name in ("lent_at", "created_at", "updated_at")
    )

    assert abs((lent - created).total_seconds()) < 60
    assert lent <= changed
    assert first.body["lent_at"].endswith("Z")
    assert second.body == first.body  # a book that is lent keeps its time, and so its version
    assert library.ask("PATCH", f"{BOOKS}/{row['id']}", {"lent_at": first.body["lent_at"]}).body == first.body


def test_several_fixed_values_are_one_change(library: Library) -> None:
    row = book(library, shelf(library, "of signatures")["id"])
    signed = library.ask("POST", f"{BOOKS}/{row['id']}/sign").body

    assert signed == {**row, "is_signed": True, "state": "worn", "updated_at": signed["updated_at"]}


def test_a_repeated_action_succeeds_with_the_same_if_match_if_its_values_are_fixed(library: Library) -> None:
    row = book(library, shelf(library, "of repetitions")["id"])
    seen = {"If-Match": f'"{row["updated_at"]}"'}
    signed = [library.ask("POST", f"{BOOKS}/{row['id']}/sign", headers=seen) for _ in range(2)]
    again = library.ask("POST", f"{BOOKS}/{row['id']}/add-page", headers=seen)

    assert [answer.status for answer in signed] == [200, 200]
    assert signed[0].body == signed[1].body
    assert (again.status, again.headers["etag"]) == (412, f'"{signed[0].body["updated_at"]}"')


def test_null_is_stored_as_by_a_patch(library: Library) -> None:
    row = shelf(library, "to be cleared", room="cellar")
    cleared = library.ask("POST", f"{SHELVES}/{row['id']}/clear").body

    assert (cleared["room"], cleared["building_id"]) == (None, None)
    assert library.ask("PATCH", f"{SHELVES}/{row['id']}", {"room": None}).body == cleared


def test_a_violated_unique_rule_is_a_409_that_names_its_fields(library: Library) -> None:
    rows = [shelf(library, f"for the hall {number}", "dora") for number in range(2)]
    others = shelf(library, "for the hall", "emil")
    first, second, theirs = (
        library.ask("POST", f"{SHELVES}/{row['id']}/move-to-hall", user=user)
        for row, user in ((rows[0], "dora"), (rows[1], "dora"), (others, "emil"))
    )

    assert (first.status, second.status, theirs.status) == (200, 409, 200)
    assert [error["loc"][-1] for error in second.body["errors"]] == ["room", "place"]
    assert library.ask("GET", f"{SHELVES}/{rows[1]['id']}", user="dora").body == rows[1]


def test_a_table_without_versions_has_actions_too(library: Library) -> None:
    row = library.ask("POST", "/api/sample-buildings", {"name": "house"}).body
    path = f"/api/sample-buildings/{row['id']}/demolish"

    assert library.ask("POST", path, headers={"If-Match": '"2026-02-28T12:00:00Z"'}).status == 412
    answer = library.ask("POST", path)
    assert (answer.status, answer.body) == (200, {**row, "name": "ruin"})
    assert "etag" not in answer.headers


def test_the_document_has_each_action(library: Library) -> None:
    document = library.document()["paths"]
    moved = document[f"{SHELVES}/{{id}}/move-to-hall"]["post"]
    lent = document[f"{BOOKS}/{{id}}/lend"]["post"]

    assert (moved["operationId"], moved["summary"]) == (
        "sample_shelves_move_to_hall",
        "Move a sample shelf to the hall",
    )
    assert (lent["summary"], lent["description"]) == (
        "Lend a sample book",
        "Lend it. A book that is lent keeps its time.",
    )
    assert "requestBody" not in lent
    assert set(lent["responses"]) == {"200", "401", "404", "412", "414", "422", "429", "500", "503"}
    assert set(moved["responses"]) - set(lent["responses"]) == {"409"}
    assert {parameter["name"] for parameter in lent["parameters"]} - {"expand", "counts"} == {"id", "If-Match"}


def test_a_query_of_a_repository_of_ones_own_has_the_owners_condition(library: Library) -> None:
    for user, number in (("flora", 2), ("gustav", 1)):
        shelf_id = shelf(library, "of totals", user)["id"]
        for pages in range(number):
            book(library, shelf_id, user, pages=10 + pages)

    totals = {user: library.ask("GET", f"{BOOKS}/totals", user=user).body for user in ("flora", "gustav", "nobody")}

    assert totals["flora"] == {"books": 2, "pages": 21, "places": 1}
    assert totals["gustav"] == {"books": 1, "pages": 10, "places": 1}
    assert totals["nobody"] == {"books": 0, "pages": 0, "places": 0}


@pytest.mark.parametrize("name", ["finish", "append"])
async def test_an_action_is_one_statement(
    name: str, sessions: Any, db: AppSession, count_queries: CountQueries
) -> None:
    task = await factory_of(Task).create_async(user_id="alice")
    client = Client(app_with(Faultless, sessions), "alice")
    with count_queries() as executed:
        answer = await client.post(f"{Faultless.path}/{task.id}/{name}")
    with count_queries() as refused:
        impossible = await client.post(f"{Faultless.path}/0/{name}")

    assert (answer.status_code, len(executed)) == (200, 1), executed
    assert (impossible.status_code, len(refused)) == (404, 0)


@pytest.mark.any_database
@pytest.mark.parametrize("bases", [(Finishing, Tasks), (Tasks, Finishing)])
async def test_a_mixin_may_have_an_action(bases: tuple[Any, ...], sessions: Any, db: AppSession) -> None:
    resource = made(*bases)
    task = await factory_of(Task).create_async(user_id="alice", completed=False)
    answer = await Client(app_with(resource, sessions), "alice").post(f"/api/made/{task.id}/finish-now")

    assert (answer.status_code, answer.json()["completed"]) == (200, True)
    assert resource.operations == {*made().operations, "finish_now"}


@pytest.mark.any_database
def test_a_class_offers_the_actions_of_its_operations() -> None:
    assert made(Finishing, Tasks).actions["finish_now"].values == {"completed": True}
    assert made(Finishing, Tasks, operations={"list"}).actions == {}
    assert made(made(Finishing, Tasks)).actions.keys() == {"finish_now"}
    with pytest.raises(InvalidDeclaration, match=r"Made\.operations leaves out 'act'"):
        made(act=action("Act.", {"completed": True}), operations={"list"})


@pytest.mark.any_database
def test_a_resource_that_is_read_and_acted_on_needs_no_schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.http.resource.page_size.MAX_PAGE_BYTES", 2**20)
    bare = ResourceController[Task, CreateSchema, UpdateSchema]
    read, acted = (made(Finishing, bare, operations=names) for names in ({"list"}, {"list", "finish_now"}))

    assert acted.max_page_size == read.max_page_size


@pytest.mark.any_database
@pytest.mark.parametrize("name", ["list", "names", "tags", "path"])
def test_an_action_hides_nothing(name: str) -> None:
    with pytest.raises(InvalidDeclaration, match=rf"^Made\.{name} hides \w+\.{name}; rename the action\.$"):
        new_class("Made", (Tasks,), exec_body=lambda body: body.update({name: action("Act.", {"completed": True})}))


@pytest.mark.any_database
def test_a_wrong_action_is_refused_with_its_class() -> None:
    with pytest.raises(InvalidDeclaration, match=r"^Made\.act changes 'user_id', which only the server sets"):
        made(act=action("Act.", {"user_id": "mallory"}))
