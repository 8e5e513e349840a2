"""No word of SQL is refused as a name of a noun or a field: each works on every database, from migration to erasure."""

import json
import keyword
import sys
from typing import NamedTuple

import psycopg
import pytest

from app.testing.databases import Databases, PostgresDatabases
from tests.parts.checkout import Checkout
from tests.words import OURS, SQLITE

pytestmark = pytest.mark.slow

Sentences = dict[str, str]

PYTHON = "is a Python keyword"
PYDANTIC = "has a meaning in pydantic, SQLModel or the schemas"
CLASS = "exists already; choose another singular with --singular"


class World(NamedTuple):
    """A repository with a noun for each word, and the words that were refused."""

    checkout: Checkout
    tables: Sentences
    fields: Sentences


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresDatabases) -> World:
    with psycopg.connect(postgres.fresh()) as connection:
        words = connection.execute("SELECT word, catcode <> 'U' FROM pg_get_keywords()").fetchall()
    tables = {word for word, is_reserved in words if is_reserved} | SQLITE | OURS
    fields = {word for word, _ in words} | SQLITE | OURS
    assert len(tables) > 200
    assert len(fields) > 500
    checkout = Checkout(tmp_path_factory.mktemp("words"))
    refused = json.loads(checkout.python("tests.words.scaffold", *(json.dumps(sorted(w)) for w in (tables, fields))))
    checkout.python("app", "makemigrations", "words")
    return World(checkout, refused["table"], refused["field"])


def reason_of(sentence: str) -> str:
    return next(reason for reason in (PYTHON, PYDANTIC, CLASS, "is a constant in SQLite") if reason in sentence)


def test_a_field_is_refused_for_what_it_means_to_python_and_libraries_alone(world: World) -> None:
    found = {word: reason_of(sentence) for word, sentence in world.fields.items() if not keyword.iskeyword(word)}
    meant = dict.fromkeys(("copy", "json", "read_only", "schema", "validate"), PYDANTIC)

    assert found == meant | dict.fromkeys(("false", "true"), "is a constant in SQLite")
    assert {reason_of(world.fields[word]) for word in world.fields.keys() - found.keys()} == {PYTHON}


def test_a_noun_is_refused_for_what_its_class_means_to_python_alone(world: World) -> None:
    words = {word for word in world.tables if keyword.iskeyword(word) or keyword.iskeyword(word.capitalize())}

    assert {reason_of(world.tables[word]) for word in words} == {PYTHON}
    found = {word: reason_of(world.tables[word]) for word in world.tables.keys() - words}
    assert found == dict.fromkeys(("row", "decimal", "json_object", "url"), CLASS)


def test_each_word_works_as_a_noun_and_as_a_field(world: World, databases: Databases) -> None:
    url, second = databases.fresh(), databases.for_owner(databases.fresh())
    used = world.checkout.run(
        *(sys.executable, "-m", "tests.words.exercise", url, databases.for_owner(url), second),
    )

    assert used.returncode == 0, used.stderr[-3000:]
    assert used.stdout == ""
