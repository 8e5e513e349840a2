"""Derived columns: folds follow their texts, and stamps their flags, by every way in which a row is written."""

from collections.abc import Iterator
from typing import Any

import pytest

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


def unfit(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows whose derived columns do not follow."""
    return [row for row in rows if bool(row["is_done"]) is (row["done_at"] is None) or not has_folds(row)]


def has_folds(row: dict[str, Any]) -> bool:
    texts = {name: row[name] for name in FOLDS}
    return all(
        row[f"{name}_fold"] == (None if text is None else fold(text)[: FOLDS[name]]) for name, text in texts.items()
    )


def create(served: Library, **values: Any) -> dict[str, Any]:
    answer = served.ask("POST", PATH, {"title": "Été", **values})
    assert answer.status == 201, answer.body
    return dict(answer.body)


def test_a_row_has_derived_columns_by_each_way_to_store_it(served: Library) -> None:
    create(served, details="Ünë")
    create(served, is_done=True)
    served.do("add", {"title": "ÀB", "is_done": True})
    served.do("add", {"title": "ÀB"})
    served.do("add_many", [{"title": "Ç", "is_done": True}, {"title": "ﬁ"}])
    served.do("bulk", [{"title": "Ç", "is_done": True}, {"title": "ﬁ"}])

    rows = served.do("rows")

    assert len(rows) == 8
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
