"""Relations: the rows that a row refers to, and the rows that refer to it, by the names that clients use."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from sqlalchemy import Table
from sqlmodel import SQLModel

from app.core.data.tables.declarations import declaration_of
from app.core.data.tables.links import links_of
from app.core.data.tables.owned import Owned
from app.core.data.tables.references import references_of
from app.core.data.tables.registry import owned_models, table_name, table_of
from app.core.data.tables.row_ids import TARGET_ID

COUNTS: Final = "counts"
"""The name in a row of the numbers of rows that refer to it."""

_SIBILANTS: Final = ("s", "x", "z", "ch", "sh")


class Relation(NamedTuple):
    """A `ref()` or a `refs()` field, and the table of the rows that it names."""

    column: str
    model: type[Owned]
    """The target: the class of the rows that the ids name."""
    links: Table | None = None
    """The link table of a list of ids; None if the field is one id."""


class Referrer(NamedTuple):
    """A column with the id of a row: of a table that refers to it, or of a link table of such a table."""

    table: Table
    column: str


def relation_names(model: type[SQLModel]) -> dict[str, str]:
    """Return the fields of a class that refer to rows, by the names of their relations.

    `project` is the relation of `project_id`, and `tags` that of `tag_ids`. A name that a field has is left out.
    """
    declared = ((name, declaration_of(field)) for name, field in model.model_fields.items())
    named = ((_relation_name(each.function, name), name) for name, each in declared if each)
    return {relation: name for relation, name in named if relation and relation not in model.model_fields}


@cache
def relations_of(model: type[Owned]) -> dict[str, Relation]:
    """Return the relations of a table by name; it needs the tables to which they lead."""
    targets = {each.column: Relation(each.column, each.model) for each in references_of(model)}
    targets |= {link.column: Relation(link.column, link.model, link.table) for link in links_of(model)}
    return {name: targets[column] for name, column in relation_names(model).items() if column in targets}


@cache
def referrers_of(model: type[Owned]) -> dict[str, Referrer]:
    """Return the columns that refer to the rows of a table: as `tasks.project_id`, and as `tasks` if there is one."""
    found = dict(_referrers(model))
    times = Counter(name.partition(".")[0] for name in found)
    single = {name.partition(".")[0]: each for name, each in found.items() if times[name.partition(".")[0]] == 1}
    return single | found


def _relation_name(function: str, field: str) -> str | None:
    if function == "ref" and field.endswith("_id"):
        return field.removesuffix("_id")
    return _plural(field.removesuffix("_ids")) if function == "refs" and field.endswith("_ids") else None


def _plural(word: str) -> str:
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(_SIBILANTS) else f"{word}s"


def _referrers(model: type[Owned]) -> Iterator[tuple[str, Referrer]]:
    for other in owned_models():
        for reference in references_of(other):
            if reference.model is model:
                yield f"{table_name(other)}.{reference.column}", Referrer(table_of(other), reference.column)
        for link in links_of(other):
            if link.model is model:
                yield f"{table_name(other)}.{link.column}", Referrer(link.table, TARGET_ID)
