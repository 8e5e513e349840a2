"""A noun's names, and which of them cannot be: each refusal is one sentence, before anything is written.

No word is refused for being one of SQL: every name is quoted. What is refused is Python's, a library's, or taken.
"""

import ast
import keyword
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import click

from app.core.cli.scaffold.fields import Field
from app.core.data.tables.fields import Timestamped
from app.core.data.tables.owned import OWNER_COLUMN, Owned
from app.core.http.body.dto import CreateSchema, UpdateSchema

MAX_NAME: Final = 40  # as much of a name as alembic puts into that of a migration's file
_MAX_POSTGRES_NAME: Final = 63
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_RESERVED_PREFIXES: Final = ("pg_", "sqlite_", "alembic_")
_TRIGGER_ROW: Final = "old"
_SCHEMA_NAMES: Final = frozenset({"Problem", "FieldError"})  # what the API's description has already
_RESERVED_FIELDS: Final = {
    "registry": "means something to SQLAlchemy",
    **dict.fromkeys(("cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"), "is a column of every table in PostgreSQL"),
    **dict.fromkeys(("false", "true"), "is a constant to SQLite, in quotes as well"),
}


@dataclass(frozen=True)
class Noun:
    """What several rows are called, what one is called, and what is known of each."""

    plural: str
    singular: str
    fields: tuple[Field, ...]

    @property
    def class_name(self) -> str:
        """The name of its class."""
        return "".join(part.capitalize() for part in self.singular.split("_"))


def refuse_plural(plural: str, tables: Iterable[str]) -> None:
    """Refuse a name of several that cannot be a table's.

    Raises:
        click.UsageError: saying why, and what to do.
    """
    _refuse_form(plural)
    if plural in tables:
        raise click.UsageError(f"there is a table {plural!r} already; choose another name.")
    if plural.startswith(_RESERVED_PREFIXES):
        raise click.UsageError(f"{plural!r} begins like the tables that the database keeps for itself; choose another.")
    if plural == _TRIGGER_ROW:
        raise click.UsageError(f"{plural!r} is what the database's triggers call a row; choose another name.")


def refuse_names(noun: Noun) -> None:
    """Refuse what one is called, or a field, where Python, a library or the frame needs the name for something else.

    Raises:
        click.UsageError: saying why, and what to do.
    """
    _refuse_form(noun.singular)
    if keyword.iskeyword(noun.class_name):
        raise click.UsageError(f"{noun.class_name!r} is a word of Python; say with --singular what else one is called.")
    seen: set[str] = set()
    for field in noun.fields:
        _refuse_form(field.name)
        if reason := _refusal_of(field, noun):
            raise click.UsageError(reason)
        if field.name in seen:
            raise click.UsageError(f"there are two fields {field.name!r}; leave one out.")
        seen.add(field.name)


def _refusal_of(field: Field, noun: Noun) -> str | None:
    name, key = field.name, f"fk_{noun.plural}_{OWNER_COLUMN}_{field.name}"
    if field.target and name == OWNER_COLUMN:
        return f"{name!r} is whose a row is; write the reference to {field.target} by hand, under another name."
    if field.target and len(key) > _MAX_POSTGRES_NAME:
        return f"PostgreSQL would cut off {key}, the name of a key; choose a shorter name for the noun."
    if name in {*Owned.model_fields, *Timestamped.model_fields}:
        return f"every noun has a field {name!r} already; leave it out, or choose another name."
    meaning = _RESERVED_FIELDS.get(name)
    if name.startswith("model_") or hasattr(CreateSchema, name) or hasattr(UpdateSchema, name):
        meaning = "means something to pydantic, SQLModel or the frame's schemas"
    return f"{name!r} {meaning}; choose another name, like {noun.singular}_{name}." if meaning else None


def refuse_clashes(texts: Mapping[str, str], classes: Iterable[str]) -> None:
    """Refuse a noun that would define again what it imports or reads, or what another noun has defined.

    Raises:
        click.UsageError: naming what.
    """
    taken = {*classes, *_SCHEMA_NAMES}
    for text in texts.values():
        tree = ast.parse(text)
        imported = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
        classes_here = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        for name in sorted({node.name for node in classes_here} & (imported | taken)):
            raise click.UsageError(f"there is a class {name!r} already; say with --singular what else one is called.")
        for name in sorted(name for node in classes_here for name in _shadowed_in(node)):
            raise click.UsageError(f"{name!r} is a type that the fields need in Python; choose another name.")


def _shadowed_in(class_: ast.ClassDef) -> set[str]:
    """The fields of a class that hide what its other lines read."""
    targets = [node.target for node in class_.body if isinstance(node, ast.AnnAssign)]
    names = [node for node in ast.walk(class_) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    return {t.id for t in targets if isinstance(t, ast.Name)} & {node.id for node in names}


def _refuse_form(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
        raise click.UsageError(f"{name!r} is no name: write 1 to {MAX_NAME} of a-z, 0-9 and _, a letter first.")
    if keyword.iskeyword(name):
        raise click.UsageError(f"{name!r} is a word of Python; choose another name.")
