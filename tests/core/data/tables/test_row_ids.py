"""Fields with a list of ids: what they accept, and the link tables that belong to them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import BigInteger, Column, Table, Text, delete, insert, select, update
from sqlalchemy.dialects import sqlite
from sqlmodel import SQLModel

from app.core.data.errors import InvalidDeclaration, UnreachableStatement
from app.core.data.schema.mapping import check_mapping
from app.core.data.schema.protections import OwnerProtection, protections_of
from app.core.data.sql.dialects import SqliteDialect, scoped_dialect
from app.core.data.tables import Fields, RowIds, refs
from app.core.data.tables.cycles import components, cycle_breaking_keys, impossible_rows, sorted_tables
from app.core.data.tables.row_ids import RowIdList, link_tables
from app.core.http.body.dto import CreateSchema, UpdateSchema


class _Tagged(Fields):
    tag_ids: RowIds = refs("tags", "Tags.", max=3)


class _Create(_Tagged, CreateSchema):
    pass


class _Update(_Tagged, UpdateSchema):
    pass


def test_a_list_is_stored_in_one_form() -> None:
    assert _Create.model_validate_json('{"tag_ids": [3, 1, 3]}').tag_ids == [1, 3]
    assert _Create.model_validate_json("{}").tag_ids == []
    assert _Update.model_validate_json("{}").model_dump(exclude_unset=True) == {}


@pytest.mark.parametrize("sent", ["null", "[1, 2, 3, 4]", '["1"]', "[0]", "[9223372036854775808]", "[true]", "{}", "1"])
@pytest.mark.parametrize("schema", [_Create, _Update])
def test_anything_but_a_list_of_a_few_ids_is_refused(schema: type[Fields], sent: str) -> None:
    with pytest.raises(ValidationError, match="tag_ids"):
        schema.model_validate_json(f'{{"tag_ids": {sent}}}')


def test_the_document_says_how_many_ids_and_that_each_comes_once() -> None:
    described = _Create.model_json_schema()["properties"]["tag_ids"]

    assert (described["type"], described["maxItems"], described["uniqueItems"]) == ("array", 3, True)


def test_a_list_cannot_be_null() -> None:
    with pytest.raises(InvalidDeclaration, match="empty instead of null"):

        class _Nullable(Fields):
            tag_ids: RowIds | None = refs("tags", "Tags.")


def test_every_bound_list_is_in_ascending_order_without_repetition() -> None:
    bind: Any = RowIdList("tags").dialect_impl(sqlite.dialect()).bind_processor(sqlite.dialect())

    assert bind([3, 1, 3]) == "[1,3]"


@contextmanager
def table(name: str, *columns: Column[Any], owner: bool = True) -> Iterator[Table]:
    """A table of the models while the block runs, and its link tables."""
    before = {*SQLModel.metadata.tables}
    owners = [Column("user_id", Text)] if owner else []
    try:
        yield Table(name, SQLModel.metadata, Column("id", BigInteger, primary_key=True), *owners, *columns)
    finally:
        for added in SQLModel.metadata.tables.keys() - before:
            SQLModel.metadata.remove(SQLModel.metadata.tables[added])


def test_a_link_table_is_no_table_of_its_own_but_protected() -> None:
    with table("probes", Column("task_ids", RowIdList("tasks"))):
        found = {protection.call for protection in protections_of(SQLModel.metadata)}
        (link,) = (link for link in link_tables(SQLModel.metadata.tables.values()) if link.source == "probes")

        assert (link.table.name, link.column, link.target) == ("probes_task_ids", "task_ids", "tasks")
        assert "link_rows('probes', 'task_ids', 'tasks')" in found
        assert OwnerProtection("probes_task_ids").call not in found


@pytest.mark.parametrize(
    ("name", "column", "owner", "reason"),
    [
        ("probes", Column("task_ids", RowIdList("tasks")), False, "tables of users"),
        ("probes", Column("x" * 60, RowIdList("tasks")), True, "longer than 56 bytes"),
    ],
    ids=["no owner", "a long name"],
)
def test_a_list_that_can_have_no_link_table_is_refused(
    name: str, column: Column[Any], owner: bool, reason: str
) -> None:
    with pytest.raises(InvalidDeclaration, match=reason), table(name, column, owner=owner):
        pass


def test_a_list_of_ids_of_no_table_of_users_is_refused() -> None:
    with (
        table("probes", Column("task_ids", RowIdList("nowhere"))),
        pytest.raises(InvalidDeclaration, match=r"probes.task_ids: refs\(\) names 'nowhere'"),
    ):
        check_mapping()


def test_a_table_comes_after_those_whose_ids_it_lists() -> None:
    with table("a_probes", Column("b_ids", RowIdList("b_probes"))), table("b_probes"):
        tables = sorted_tables(SQLModel.metadata.tables)
        names = [each.name for each in tables]

        assert names.index("b_probes") < names.index("a_probes")


def test_two_tables_that_list_each_other_are_sorted_all_the_same() -> None:
    with (
        table("a_probes", Column("b_ids", RowIdList("b_probes"))),
        table("b_probes", Column("a_ids", RowIdList("a_probes"))),
    ):
        tables = SQLModel.metadata.tables
        groups = [{each.name for each in group} for group in components(sorted_tables(tables))]

        assert {"a_probes", "b_probes"} in groups
        assert [str(key.name) for key in cycle_breaking_keys(tables)] == ["fk_a_probes_b_ids_user_id_target_id"]
        assert [*impossible_rows(tables)] == []


def written(statement: Any) -> str:
    dialect: Any = SqliteDialect
    return " ".join(str(statement.compile(dialect=scoped_dialect(dialect()))).split())


def test_a_session_reads_the_links_of_its_owner_and_writes_none() -> None:
    with table("probes", Column("task_ids", RowIdList("tasks"))):
        links = SQLModel.metadata.tables["probes_task_ids"]

        assert "FROM (SELECT * FROM probes_task_ids WHERE probes_task_ids.user_id = ?)" in written(
            select(links.c.row_id)
        )
        for statement in (insert(links), update(links).values(target_id=1), delete(links)):
            with pytest.raises(UnreachableStatement, match="The database writes probes_task_ids"):
                written(statement)
