"""The text of a noun's files, as one would write them by hand."""

from string import Template
from typing import Final

from app.core.cli.scaffold.fields import alias_of
from app.core.cli.scaffold.names import Noun
from app.core.cli.scaffold.wrapping import wrapped

_INIT: Final = Template('''\
"""The $nouns of users."""
''')

_MODELS: Final = Template('''\
"""The table of $nouns, and the fields that it shares with its schemas."""

$imports


class ${Noun}Fields(Fields):
    """What a client may say about one of the $nouns."""

$fields


class $Noun(Timestamped, ${Noun}Fields, Owned, table=True):
    """One of a user's $nouns."""

    __tablename__ = "$table"
''')

_SCHEMAS: Final = Template('''\
"""What a client sends about one of the $nouns."""

from app.$table.models import ${Noun}Fields
from app.core.http.body.dto import CreateSchema, UpdateSchema


class ${Noun}Create(${Noun}Fields, CreateSchema):
    """A new $noun."""


class ${Noun}Update(${Noun}Fields, UpdateSchema):
    """What to change about one of the $nouns."""
''')

_CONTROLLERS: Final = Template('''\
"""What is offered about $nouns, at $path."""

from app.$table.models import $Noun
from app.$table.schemas import ${Noun}Create, ${Noun}Update
from app.core.http.resource.controller import ResourceController


class ${Noun}Controller(ResourceController[$Noun, ${Noun}Create, ${Noun}Update]):
    """Your $nouns."""

    path = "$path"
''')

_FACTORIES: Final = Template('''\
"""The $nouns that tests and seeding make."""

from app.$table.models import $Noun
from app.testing.factories import RowFactory


class ${Noun}Factory(RowFactory[$Noun]):
    """One of somebody's $nouns."""
''')

_TESTS: Final = Template('''\
"""What is special about $nouns; what every resource keeps is tested anyway."""

from app.$table.factories import ${Noun}Factory
from app.core.data.ownership.session import AppSession
from app.testing.clients import Client, assert_error


async def test_a_list_holds_the_callers_$table(client: Client, db: AppSession) -> None:
    mine = await ${Noun}Factory.create_batch_async(2, user_id="alice")
    await ${Noun}Factory.create_async(user_id="bob")
    answer = await client.get("$path")

    assert answer.status_code == 200
    assert [row["id"] for row in answer.json()] == [row.id for row in mine]


async def test_anothers_${one}_is_not_found(client: Client, db: AppSession) -> None:
    theirs = await ${Noun}Factory.create_async(user_id="bob")

    assert_error(await client.get(f"$path/{theirs.id}"), 404)
''')


def render(noun: Noun) -> dict[str, str]:
    """Return what each file of a noun says, by its path from the top of the repository."""
    aliased = {field.name for field in noun.fields} & {field.kind.function for field in noun.fields}
    words = {
        "Noun": noun.class_name,
        "noun": noun.singular.replace("_", " "),
        "nouns": noun.plural.replace("_", " "),
        "one": noun.singular,
        "table": noun.plural,
        "path": path_of(noun),
        "imports": _imports(noun, aliased),
        "fields": "\n".join(f"    {field.line(aliased)}" for field in noun.fields),
    }
    files = {
        f"app/{noun.plural}/__init__.py": _INIT,
        f"app/{noun.plural}/models.py": _MODELS,
        f"app/{noun.plural}/schemas.py": _SCHEMAS,
        f"app/{noun.plural}/controllers.py": _CONTROLLERS,
        f"app/{noun.plural}/factories.py": _FACTORIES,
        f"tests/{noun.plural}/test_controllers.py": _TESTS,
    }
    return {path: wrapped(_sorted_imports(template.substitute(words))) for path, template in files.items()}


def path_of(noun: Noun) -> str:
    """Return where its rows are found."""
    return f"/api/{noun.plural.replace('_', '-')}"


def _imports(noun: Noun, aliased: set[str]) -> str:
    """The one line that a `models.py` needs, and one for each function that goes by another name."""
    functions = {field.kind.function for field in noun.fields}
    names = {"Fields", "Owned", "Timestamped", *(field.kind.annotation for field in noun.fields)} - {"bool"}
    ordered = sorted(names | functions - aliased, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    lines = [", ".join(ordered), *(f"{name} as {alias_of(name)}" for name in sorted(aliased))]
    return "\n".join(f"from app.core.data.tables import {line}" for line in lines)


def _sorted_imports(text: str) -> str:
    """The noun's own imports stand before or behind those of the frame, by their names."""
    lines = text.splitlines()
    block = [number for number, line in enumerate(lines) if line.startswith("from app.")]
    for number, line in zip(block, sorted(lines[number] for number in block), strict=True):
        lines[number] = line
    return "\n".join(lines) + "\n"
