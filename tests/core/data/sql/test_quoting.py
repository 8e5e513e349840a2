"""Reserved words are quoted by the dialects of migrations and by those of the application."""

import sqlite3
from contextlib import closing, suppress

import psycopg
from sqlalchemy import create_engine

from app.core.data.connection.engine import make_engine
from app.testing.databases import PostgresDatabases, SqliteDatabases, settings_for_tests
from tests.words import SQLITE


def quoted_by(url: str, words: set[str]) -> set[str]:
    plain = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    served = make_engine(settings_for_tests(url))
    preparers = (plain.dialect.identifier_preparer, served.dialect.identifier_preparer)
    return {word for word in words if all(preparer.quote(word) == f'"{word}"' for preparer in preparers)}


def test_reserved_words_of_postgresql_are_quoted(postgres: PostgresDatabases) -> None:
    url = postgres.fresh()
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')").fetchall()
    reserved = {word for (word,) in rows}

    assert len(reserved) > 90
    assert quoted_by(url, reserved) == reserved


def test_reserved_words_of_sqlite_are_quoted(sqlite_databases: SqliteDatabases) -> None:
    refused = set()
    with closing(sqlite3.connect(":memory:")) as connection:
        for word in SQLITE:
            with suppress(sqlite3.OperationalError):
                connection.execute(f"CREATE TABLE {word} ({word} TEXT)")
                continue
            refused.add(word)

    assert len(refused) > 50
    assert quoted_by(sqlite_databases.fresh(), refused) == refused
