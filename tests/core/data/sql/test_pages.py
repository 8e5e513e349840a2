"""Pages: the index by which each is found."""

import sqlite3

import pytest
from sqlalchemy import make_url

from app.testing.databases import Databases, SqliteDatabases
from tests.parts.plans import FORMS, NUMBERS, OTHERS, ROWS, Form, fill, opened, page, plans_of_page


@pytest.fixture(scope="module")
def filled_postgres(restricted: Databases) -> list[str]:
    """The databases, one with each of the others, as the role sees them for which row level security holds."""
    urls = [restricted.fresh() for _ in OTHERS]
    for url, others in zip(urls, OTHERS, strict=True):
        with opened(restricted.for_owner(url)).begin() as connection:
            fill(connection.exec_driver_sql, others, f"generate_series(1, {ROWS}) n")
    return urls


@pytest.mark.parametrize("is_held", [False, True], ids=["owner", "held"])
@pytest.mark.parametrize("form", FORMS)
def test_a_page_is_found_by_its_owner_and_where_it_begins(
    restricted: Databases, filled_postgres: list[str], is_held: bool, form: Form
) -> None:
    for url in filled_postgres:
        for found in plans_of_page(url if is_held else restricted.for_owner(url), form):
            assert {node["Node Type"] for node in found} <= {"Index Scan", "Result"}, found
            (scan,) = (node for node in found if node["Node Type"] == "Index Scan")
            assert scan["Index Name"] == "uq_tasks_user_id_id"
            assert f"(id {'<' if form.backwards else '>'} " in scan["Index Cond"]
            assert "user_id)::text = " in scan["Index Cond"]


@pytest.fixture(scope="module")
def filled_sqlite(sqlite_databases: SqliteDatabases) -> list[str]:
    """The files, one with each of the others, before and after ANALYZE."""
    files = []
    for others in OTHERS:
        for analyzed in (False, True):
            files.append(str(make_url(sqlite_databases.fresh()).database))
            with sqlite3.connect(files[-1]) as connection:
                fill(connection.execute, others, NUMBERS)
                if not analyzed:
                    connection.execute("DROP TABLE sqlite_stat1")
            connection.close()
    return files


@pytest.mark.parametrize("form", FORMS)
def test_sqlite_finds_a_page_so_too(filled_sqlite: list[str], form: Form) -> None:
    for file in filled_sqlite:
        text, values = page(f"sqlite:///{file}", form)
        connection = sqlite3.connect(file)
        steps = [detail for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]
        connection.close()

        beyond = f"user_id=? AND id{'<' if form.backwards else '>'}?"
        assert f"SEARCH tasks USING INDEX sqlite_autoindex_tasks_1 ({beyond})" in steps, steps
        assert form.total or not any("TEMP B-TREE" in step for step in steps)


@pytest.mark.any_database
def test_a_page_by_id_without_conditions_is_one_plain_range() -> None:
    text = page("sqlite:///tasks.db", Form(backwards=False, offset=0, total=False))[0]

    assert " ".join(text.split()) == (
        "SELECT tasks.id, tasks.user_id, tasks.title, tasks.description, tasks.completed, tasks.project_id,"
        " tasks.created_at, tasks.updated_at FROM (SELECT * FROM tasks WHERE tasks.user_id = ?) AS tasks"
        " WHERE tasks.id > ? ORDER BY tasks.id LIMIT ? OFFSET ?"
    )
