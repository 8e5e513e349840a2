"""The files of a noun, as an author would write them by hand."""

from string import Template
from typing import Final

from app.core.cli.scaffold.fields import Field, alias_of
from app.core.cli.scaffold.names import Noun
from app.core.cli.scaffold.wrapping import wrapped

_INIT: Final = Template('''\
"""The $nouns of users."""
''')

_MODELS: Final = Template('''\
"""The table of $nouns, and the fields that it shares with its schemas."""

$imports
$enums

class ${Noun}Fields(Fields):
    """The fields of $nouns that a client can set."""

$fields


class $Noun(Timestamped, ${Noun}Fields, Owned, table=True):
    """One of a user's $nouns."""

    __tablename__ = "$table"
''')

_SCHEMAS: Final = Template('''\
"""The request bodies of $nouns."""

from app.$table.models import ${Noun}Fields
from app.core.http.body.dto import CreateSchema, UpdateSchema


class ${Noun}Create(${Noun}Fields, CreateSchema):
    """A new $noun."""


class ${Noun}Update(${Noun}Fields, UpdateSchema):
    """The fields to change in one of the $nouns."""
''')

_CONTROLLERS: Final = Template('''\
"""The REST API of $nouns, at $path."""

from app.$table.models import $Noun
from app.$table.schemas import ${Noun}Create, ${Noun}Update
from app.core.http.resource.controller import ResourceController


class ${Noun}Controller(ResourceController[$Noun, ${Noun}Create, ${Noun}Update]):
    """Your $nouns."""

    path = "$path"
''')

_FACTORIES: Final = Template('''\
"""The factory of $nouns, for tests and `app seed`."""

from app.$table.models import $Noun
from app.testing.factories import RowFactory


class ${Noun}Factory(RowFactory[$Noun]):
    """Makes $nouns of a user."""
''')

_TESTS: Final = Template('''\
"""Tests of $nouns; `tests/test_contract.py` tests the rules of all resources."""

from app.$table.factories import ${Noun}Factory
from app.core.data.ownership.session import AppSession
from app.testing.clients import Client, assert_error


async def test_a_list_has_only_the_callers_$table(client: Client, db: AppSession) -> None:
    mine = await ${Noun}Factory.create_batch_async(2, user_id="alice")
    await ${Noun}Factory.create_async(user_id="bob")
    answer = await client.get("$path")

    assert answer.status_code == 200
    assert [row["id"] for row in answer.json()] == [row.id for row in mine]


async def test_another_users_${one}_is_a_404(client: Client, db: AppSession) -> None:
    theirs = await ${Noun}Factory.create_async(user_id="bob")

    assert_error(await client.get(f"$path/{theirs.id}"), 404)
''')


def render(noun: Noun) -> dict[str, str]:
    """Return the text of each file of a noun, by its path in the repository."""
    aliased = {field.name for field in noun.fields} & {field.kind.function for field in noun.fields}
    words = {
        "Noun": noun.class_name,
        "noun": noun.singular.replace("_", " "),
        "nouns": noun.plural.replace("_", " "),
        "one": noun.singular,
        "table": noun.plural,
        "path": path_of(noun),
        "imports": _imports(noun, aliased),
        "enums": "".join(_enum(noun, field) for field in noun.fields if field.values),
        "fields": "\n".join(f"    {field.line(aliased, noun.class_name)}" for field in noun.fields),
    }
    templates = {
        f"app/{noun.plural}/__init__.py": _INIT,
        f"app/{noun.plural}/models.py": _MODELS,
        f"app/{noun.plural}/schemas.py": _SCHEMAS,
        f"app/{noun.plural}/controllers.py": _CONTROLLERS,
        f"app/{noun.plural}/factories.py": _FACTORIES,
        f"tests/{noun.plural}/test_controllers.py": _TESTS,
    }
    return {path: wrapped(_sorted_imports(template.substitute(words))) for path, template in templates.items()}


def path_of(noun: Noun) -> str:
    """Return the URL path of a noun."""
    return f"/api/{noun.plural.replace('_', '-')}"


def _imports(noun: Noun, aliased: set[str]) -> str:
    functions = {field.kind.function for field in noun.fields}
    names = {"Fields", "Owned", "Timestamped", *(field.kind.annotation for field in noun.fields)} - {"bool", ""}
    ordered = sorted(names | functions - aliased, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    lines = [", ".join(ordered), *(f"{name} as {alias_of(name)}" for name in sorted(aliased))]
    standard = ["from enum import StrEnum", ""] if any(field.values for field in noun.fields) else []
    return "\n".join([*standard, *(f"from app.core.data.tables import {line}" for line in lines)])


def _enum(noun: Noun, field: Field) -> str:
    members = "".join(f'    {value.upper()} = "{value}"\n' for value in field.values)
    words = f"{noun.singular} {field.name}".replace("_", " ")
    return f'\n\nclass {field.enum_of(noun.class_name)}(StrEnum):\n    """The values of a {words}."""\n\n{members}'


def _sorted_imports(text: str) -> str:
    lines = text.splitlines()
    block = [number for number, line in enumerate(lines) if line.startswith("from app.")]
    for number, line in zip(block, sorted(lines[number] for number in block), strict=True):
        lines[number] = line
    return "\n".join(lines) + "\n"
