"""A database that knows a person, and what stands in it in the end, past the application."""

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import MetaData, select

from app.core.data.connection.engine import database_url, make_engine
from app.core.data.ownership.guard import everyone
from app.core.data.ownership.session import AppSession
from app.core.data.schema.engines import migration_engine
from app.core.data.tables.registry import sorted_owned_models
from app.testing.databases import Databases, settings_for_tests
from app.testing.factories import stored_through
from tests.parts.dumps import store_person

PERSON = "person-7f3a"
NAMES = [str(model.__tablename__) for model in sorted_owned_models()]


@pytest.fixture
def url(databases: Databases) -> str:
    return filled(databases)


def filled(databases: Databases) -> str:
    """The URL of a database in which the person and somebody else have two rows in each table."""
    url = databases.fresh()
    asyncio.run(_fill(databases.for_owner(url)))
    return url


async def _fill(url: str) -> None:
    engine = make_engine(settings_for_tests(url))
    async with AppSession(engine, expire_on_commit=False) as session:
        with stored_through(everyone(session)):
            for user_id in (PERSON, "bob"):
                await store_person(user_id, 2)
    await engine.dispose()


def everything(databases: Databases, url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that the database itself knows of, as its owner sees it."""
    engine = migration_engine(database_url(databases.for_owner(url)))
    tables = MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        return {t.name: [tuple(row) for row in connection.execute(select(t))] for t in tables.tables.values()}


def mentions(databases: Databases, url: str, word: str) -> list[str]:
    """Where in the whole database a word stands: `table: value`."""
    found = [
        f"{table}: {value}"
        for table, rows in everything(databases, url).items()
        for row in rows
        for value in row
        if word in str(value)
    ]
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url(url).database or "")) as connection:
            found += [f"dump: {line}" for line in connection.iterdump() if word in line]
    return found
