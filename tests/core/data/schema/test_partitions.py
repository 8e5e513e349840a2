"""Owned tables in partitions by the hash of their owners: what PostgreSQL makes by itself, and how pages are found."""

import pytest
from sqlalchemy import text
from sqlmodel import SQLModel

from app.core.data.schema.drift import drift
from app.core.data.schema.inspection import altered_protections
from app.core.data.schema.protections import OwnerProtection
from app.testing.databases import PostgresDatabases, settings_for_tests
from tests.parts.partitioned import partition
from tests.parts.plans import FORMS, Form, opened, plans_of_page


@pytest.fixture(scope="module")
def url(postgres: PostgresDatabases) -> str:
    url = postgres.fresh()
    partition(url)
    return url


def differences(url: str) -> list[str]:
    """What drift says of the tables that the models have."""
    found = ((kind, what, getattr(what, "table", what)) for kind, what in drift(settings_for_tests(url)))
    return [f"{kind} {what.name}" for kind, what, table in found if table.name in SQLModel.metadata.tables]


def test_the_keys_that_postgres_clones_are_no_drift(url: str) -> None:
    assert differences(url) == []


def test_a_key_that_somebody_made_is(postgres: PostgresDatabases) -> None:
    url = postgres.fresh()
    partition(url)
    with opened(url).begin() as connection:
        key = "FOREIGN KEY (user_id, id) REFERENCES projects (user_id, id)"
        connection.execute(text(f"ALTER TABLE tasks ADD CONSTRAINT another {key}"))

    assert differences(url) == ["remove_fk another"]


def test_protections_can_be_made_again(url: str) -> None:
    with opened(url).connect() as connection:
        for statement in (*OwnerProtection("tasks").drop("postgresql"), *OwnerProtection("tasks").create("postgresql")):
            connection.execute(text(statement))

        assert list(altered_protections(connection, SQLModel.metadata)) == []


@pytest.mark.parametrize("form", FORMS)
def test_a_page_is_found_in_one_partition(url: str, form: Form) -> None:
    for found in plans_of_page(url, form):
        assert len({node["Relation Name"] for node in found if "Relation Name" in node}) == 1
