"""Derived columns: folds follow their texts, and stamps their flags, by every way in which a row is written."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, text
from sqlmodel.sql.sqltypes import UTCDateTime

from app.core.data.connection.engine import database_url
from app.core.data.schema.ddl.batches import BATCH_SIZE
from app.core.data.schema.engines import migration_engine
from app.core.data.schema.fold_backfill import FoldedText
from app.core.data.tables.folds import fold
from app.testing.databases import Databases
from tests.core.data.conftest import Site
from tests.library import Library, Say, library_process

FOLDS = {"title": 400, "code": 400, "place": 400, "details": None}
PATH = "/api/sample-errands"


@pytest.fixture(scope="session")
def errands() -> Iterator[Say]:
    """The process that knows them."""
    with library_process("errands") as say:
        yield say


@pytest.fixture(scope="session")
def errand_site(errands: Say, databases: Databases) -> Site:
    return Site(errands, databases)


@pytest.fixture
def served(errand_site: Site) -> Library:
    """The application on an empty database."""
    return Library(errand_site._say, url := errand_site.databases.fresh(), errand_site.databases.for_owner(url))


@pytest.fixture(scope="session")
def one_served(errands: Say, databases: Databases) -> Library:
    """The application on a database that several examples share."""
    return Library(errands, url := databases.fresh(), databases.for_owner(url))


def unfit(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows whose derived columns do not follow."""
    return [row for row in rows if bool(row["is_done"]) is (row["done_at"] is None) or not has_folds(row)]


def has_folds(row: dict[str, Any]) -> bool:
    texts = {name: row[name] for name in FOLDS}
    return all(
        row[f"{name}_fold"] == (None if text is None else fold(text)[: FOLDS[name]]) for name, text in texts.items()
    )


def rows_in(site: Site, url: str) -> list[dict[str, Any]]:
    """The rows of all users."""
    with migration_engine(database_url(site.databases.for_owner(url))).connect() as connection:
        return [dict(row) for row in connection.execute(text("SELECT * FROM sample_errands")).mappings()]


def create(served: Library, **values: Any) -> dict[str, Any]:
    answer = served.ask("POST", PATH, {"title": "Été", **values})
    assert answer.status == 201, answer.body
    return dict(answer.body)


def test_a_row_has_derived_columns_by_each_way_to_store_it(served: Library) -> None:
    create(served, details="Ünë")
    create(served, is_done=True)
    create(served, title="\ufdfa" * 30)  # its fold is longer than 400 characters, and is cut
    served.do("add", {"title": "ÀB", "is_done": True})
    served.do("add", {"title": "ÀB"})
    served.do("add_many", [{"title": "Ç", "is_done": True}, {"title": "ﬁ"}])
    served.do("bulk", [{"title": "Ç", "is_done": True}, {"title": "ﬁ"}])

    rows = served.do("rows")

    assert len(rows) == 9
    assert unfit(rows) == []
    assert all(row["done_at"] == row["created_at"] for row in rows if row["is_done"])


@pytest.mark.parametrize("way", ["PATCH", "PUT", "change", "update_all", "update_core"])
def test_derived_columns_follow_by_each_way_to_change_a_row(served: Library, way: str) -> None:
    row = create(served, title="Été", details="Ö")

    def change(**values: Any) -> dict[str, Any]:
        match way:
            case "PATCH" | "PUT":
                assert served.ask(way, f"{PATH}/{row['id']}", values).status == 200
            case "change":
                assert served.do(way, row["id"], values) == served.do("rows")[0]["done_at"]
            case _:
                assert served.do(way, values) is None
        [found] = served.do("rows")
        assert unfit([found]) == []
        return dict(found)

    assert change(title="Ça va")["title_fold"] == "ca va"
    assert change(details=None)["details_fold"] is None
    done = change(is_done=True, details="É")["done_at"]
    assert change(is_done=True)["done_at"] == done
    assert change(title="x")["done_at"] == done
    assert change(is_done=False)["done_at"] is None
    assert change(is_done=True)["done_at"] > done


def test_a_flag_that_is_set_by_an_expression_has_its_stamp(served: Library) -> None:
    create(served)
    create(served, is_done=True)

    served.do("toggle")

    first, second = sorted(served.do("rows"), key=lambda row: int(row["id"]))
    assert (first["is_done"], second["done_at"]) == (True, None)
    assert unfit([first, second]) == []


def test_values_in_a_given_order_and_in_a_named_parameter_have_their_folds(served: Library) -> None:
    create(served)

    served.do("ordered")
    [row] = served.do("rows")
    assert (row["title_fold"], row["done_at"] is None) == ("o", False)

    for title in ("Ä", "É"):  # the second statement is compiled already
        served.do("named", title)
        assert unfit(served.do("rows")) == []


@pytest.mark.parametrize(
    "name",
    [
        "update by an expression",
        "update by another column",
        "update of a fold",
        "update of a stamp",
        "insert by an expression",
        "insert by another parameter",
        "insert of a stamp",
        "insert from select",
        "insert of the flag by an expression",
    ],
)
def test_a_statement_whose_derived_columns_cannot_follow_is_refused(served: Library, name: str) -> None:
    answer = served.do("refused", name)

    assert answer.startswith("UnreachableStatement: ")
    assert answer.endswith(("use update_one() with the value.", "leave it out.", "a value.", "use add_many()."))


@pytest.mark.parametrize("column", ["title", "is_done"])
def test_a_conflict_that_sets_a_text_or_a_flag_is_refused(served: Library, column: str) -> None:
    assert served.do("refused_conflict", column).endswith("use update_one().")


def test_a_stamp_is_set_by_the_server_only(served: Library) -> None:
    row = create(served)
    at = row["created_at"]

    assert served.do("set_stamp").endswith("sets done_at, which only the server does; leave it out.")
    assert served.ask("POST", PATH, {"title": "a", "done_at": at}).status == 422
    assert served.ask("PATCH", f"{PATH}/{row['id']}", {"title": "a", "done_at": at}).status == 422
    assert served.ask("PATCH", f"{PATH}/{row['id']}", {"title": "a", "done_at": None}).status == 200
    assert served.ask("PUT", f"{PATH}/{row['id']}", served.ask("GET", f"{PATH}/{row['id']}").body).status == 200


def test_a_stamp_does_not_move_without_the_version(served: Library) -> None:
    row = create(served, is_done=True)

    again = served.ask("PATCH", f"{PATH}/{row['id']}", {"is_done": True})

    assert again.body == row


def test_nothing_shows_a_fold(served: Library) -> None:
    row = create(served, details="Ünë")

    assert "fold" not in str(row)
    assert "fold" not in str(served.do("shown"))
    assert "fold" not in json.dumps(served.document())


def test_texts_with_one_fold_are_one_for_a_folded_unique_rule(served: Library) -> None:
    create(served, code="Ünë", place="Hall")

    answer = served.ask("POST", PATH, {"title": "b", "code": "UNE", "place": "HÀLL"})

    assert (answer.status, [error["loc"] for error in answer.body["errors"]]) == (
        409,
        [["body", "code"], ["body", "place"]],
    )
    assert served.ask("POST", PATH, {"title": "b", "code": "UNE", "place": "Attic"}).status == 201
    assert served.ask("POST", PATH, {"title": "b", "code": "UNE", "place": "Hall"}, user="bob").status == 201
    described = served.document()["paths"][PATH]["post"]["responses"]["409"]["description"]
    assert described == "Another sample errand has the same `code` and `place`."


def test_dumps_have_no_folds_and_loads_compute_them(errand_site: Site, served: Library, tmp_path: Path) -> None:
    url = errand_site.fresh()
    errand_site.run(url, "seed", "--users", "2", "--per-user", "40", "--seed", "5")
    dump = errand_site.dump(url)
    assert "_fold" not in dump

    loaded = errand_site.load(dump, tmp_path)
    assert errand_site.dump(loaded) == dump
    for stored in (url, loaded):
        rows = rows_in(errand_site, stored)
        assert len(rows) == 80
        assert {row["done_at"] is None for row in rows} == {True, False}
        assert unfit(rows) == []


TEXTS = st.sampled_from(["a", "É", "ﬁ\u0301", "İ" * 10, "\ufdfa" * 20, "ß A"]) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=5
).map(lambda words: f"{words}x")
VALUES = st.fixed_dictionaries(
    {}, optional={"title": TEXTS, "details": st.none() | TEXTS, "place": st.none() | TEXTS, "is_done": st.booleans()}
)
WAYS = st.sampled_from(["POST", "PATCH", "PUT", "add", "add_many", "bulk", "change", "update_all", "update_core"])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.tuples(WAYS, VALUES), min_size=1, max_size=8))
def test_derived_columns_follow_after_any_writes(one_served: Library, steps: list[tuple[str, dict[str, Any]]]) -> None:
    for way, values in steps:
        write(one_served, way, values)

        assert unfit(one_served.do("rows")) == []
    one_served.do("clear")


def write(served: Library, way: str, values: dict[str, Any]) -> None:
    """Write the values in one of the ways; a change is one of the first row."""
    ids = [row["id"] for row in served.do("rows")]
    if way == "POST" or not ids:
        create(served, **values)
    elif way in {"PATCH", "PUT"}:
        assert served.ask(way, f"{PATH}/{ids[0]}", values).status == 200
    elif way == "add":
        served.do(way, {"title": "Ä", **values})
    elif way in {"add_many", "bulk"}:
        served.do(way, [{"title": "Ä", **values}, {"title": "B", **values}])
    elif way == "change":
        served.do(way, ids[0], values)
    elif values:
        served.do(way, values)


def test_rows_of_another_program_are_reported_and_filled(errand_site: Site) -> None:
    url = errand_site.fresh()
    errand_site.run(url, "seed", "--user", "alice", "--per-user", "3")
    insert = "INSERT INTO sample_errands (user_id, title) VALUES ('bob', 'Ö')"
    change = "UPDATE sample_errands SET title = 'Ü', updated_at = :now WHERE user_id = 'alice'"
    with migration_engine(database_url(errand_site.databases.for_owner(url))).begin() as connection:
        connection.execute(text(insert))
        connection.execute(text(change).bindparams(bindparam("now", datetime.now(UTC), UTCDateTime)))

    report = errand_site.call(url, "check", "--deploy").stdout
    assert "data.W003: The fold of sample_errands.title is missing or old in 4 rows; no search finds them." in report
    before = errand_site.dump(url)
    errand_site.run(url, "migrate")

    assert "data.W003" not in errand_site.call(url, "check", "--deploy").stdout
    assert errand_site.dump(url) == before
    assert {row["title_fold"] for row in rows_in(errand_site, url)} == {"o", "u"}


def test_rows_are_filled_in_batches(errand_site: Site) -> None:
    url = errand_site.databases.for_owner(errand_site.fresh())
    engine = migration_engine(database_url(url))
    count = 2 * BATCH_SIZE + 1
    with engine.begin() as connection:
        rows = [{"title": f"É {number}"} for number in range(count)]
        connection.execute(text("INSERT INTO sample_errands (user_id, title) VALUES ('alice', :title)"), rows)
    folded = FoldedText("sample_errands", "title", 400)
    batches: list[int] = []

    def run(change: Any) -> Any:
        with engine.begin() as connection:
            batches.append(folded.count_stale(connection))
            return change(connection)

    folded.fill(run)

    assert batches == [count, count - BATCH_SIZE, 1]
    with engine.connect() as connection:
        assert folded.count_stale(connection) == 0


def test_a_text_that_is_changed_during_the_backfill_keeps_its_fold(errand_site: Site) -> None:
    url = errand_site.databases.for_owner(errand_site.fresh())
    engine = migration_engine(database_url(url))
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO sample_errands (user_id, title) VALUES ('alice', 'Old')"))
        stale, _ = FoldedText("sample_errands", "title", 400)._stale_rows(connection, ())
        connection.execute(text("UPDATE sample_errands SET title = 'New', title_fold = 'new'"))
        FoldedText("sample_errands", "title", 400)._write(connection, stale)
        assert connection.execute(text("SELECT title_fold FROM sample_errands")).scalar() == "new"
