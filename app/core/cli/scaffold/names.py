"""The names that a noun cannot have: Python, a library or the database needs them, or they exist already.

Words of SQL are allowed, because all names are quoted. Each refusal is a click.UsageError, before a file is written.
"""

import ast
import keyword
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import click

from app.core.cli.scaffold.fields import Field
from app.core.data.tables.field_types import Timestamped
from app.core.data.tables.owned import OWNER_COLUMN, Owned
from app.core.http.body.dto import CreateSchema, UpdateSchema

MAX_NAME: Final = 40  # alembic cuts the name of a migration's file here
_MAX_POSTGRES_NAME: Final = 63
_MAX_ENUM: Final = 55  # characters, so that each line of code is short enough
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_RESERVED_PREFIXES: Final = ("pg_", "sqlite_", "alembic_")
_TRIGGER_ROW: Final = "old"
_SCHEMA_NAMES: Final = frozenset({"Problem", "FieldError"})  # in the OpenAPI document already
_RESERVED_FIELDS: Final = {
    "registry": "has a meaning in SQLAlchemy",
    **dict.fromkeys(("cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"), "is a column of every PostgreSQL table"),
    **dict.fromkeys(("false", "true"), "is a constant in SQLite, even in quotes"),
}


@dataclass(frozen=True)
class Noun:
    """A noun: its plural (the name of the table), its singular, and its fields."""

    plural: str
    singular: str
    fields: tuple[Field, ...]

    @property
    def class_name(self) -> str:
        return "".join(part.capitalize() for part in self.singular.split("_"))


def refuse_plural(plural: str, tables: Iterable[str]) -> None:
    """Refuse a plural that cannot be the name of a table."""
    _refuse_form(plural)
    if plural in tables:
        raise click.UsageError(f"the table {plural!r} exists already; choose another name.")
    if plural.startswith(_RESERVED_PREFIXES):
        raise click.UsageError(f"{plural!r} begins like the database's own tables; choose another name.")
    if plural == _TRIGGER_ROW:
        raise click.UsageError(f"{plural!r} is the name of a row in triggers; choose another name.")


def refuse_names(noun: Noun) -> None:
    """Refuse a singular or a field name that Python, a library, the database or the frame needs."""
    _refuse_form(noun.singular)
    if keyword.iskeyword(noun.class_name):
        raise click.UsageError(f"{noun.class_name!r} is a Python keyword; choose another singular with --singular.")
    seen: set[str] = set()
    for field in noun.fields:
        _refuse_form(field.name)
        if reason := _refusal_of(field, noun):
            raise click.UsageError(reason)
        if field.name in seen:
            raise click.UsageError(f"the field {field.name!r} is given twice; leave one out.")
        seen.add(field.name)


def _refusal_of(field: Field, noun: Noun) -> str | None:
    name, key = field.name, f"fk_{noun.plural}_{OWNER_COLUMN}_{field.name}"
    if field.target and name == OWNER_COLUMN:
        return f"{name!r} is the owner of a row; write the reference to {field.target} by hand, under another name."
    if field.target and len(key) > _MAX_POSTGRES_NAME:
        return f"PostgreSQL would cut off {key}, the name of a foreign key; choose a shorter name for the noun."
    if field.values and len(field.enum_of(noun.class_name)) > _MAX_ENUM:
        return f"{field.enum_of(noun.class_name)}, the class of a choice, has a long name; choose a shorter one for it."
    if name in {*Owned.model_fields, *Timestamped.model_fields}:
        return f"every noun has the field {name!r} already; leave it out, or choose another name."
    meaning = _RESERVED_FIELDS.get(name)
    if name.startswith("model_") or hasattr(CreateSchema, name) or hasattr(UpdateSchema, name):
        meaning = "has a meaning in pydantic, SQLModel or the schemas"
    return f"{name!r} {meaning}; choose another name, like {noun.singular}_{name}." if meaning else None


def refuse_clashes(texts: Mapping[str, str], classes: Iterable[str]) -> None:
    """Refuse a noun whose classes would hide an import or a type, or have the name of another class."""
    taken = {*classes, *_SCHEMA_NAMES}
    trees = [ast.parse(text) for text in texts.values()]
    named = Counter(node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef))
    for name in (name for name, count in named.items() if count > 1):
        raise click.UsageError(f"a choice needs a class of its own, and {name!r} is another one; rename the field.")
    for tree in trees:
        imported = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
        classes_here = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        for name in sorted({node.name for node in classes_here} & (imported | taken)):
            raise click.UsageError(f"the class {name!r} exists already; choose another singular with --singular.")
        for name in sorted(name for node in classes_here for name in _shadowed_in(node)):
            raise click.UsageError(f"{name!r} is a type that the fields use; choose another name.")


def _shadowed_in(class_: ast.ClassDef) -> set[str]:
    # The fields that hide a name that the class body uses.
    targets = [node.target for node in class_.body if isinstance(node, ast.AnnAssign)]
    names = [node for node in ast.walk(class_) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    return {t.id for t in targets if isinstance(t, ast.Name)} & {node.id for node in names}


def _refuse_form(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
        raise click.UsageError(f"{name!r} is not a name; write 1 to {MAX_NAME} of a-z, 0-9 and _, a letter first.")
    if keyword.iskeyword(name):
        raise click.UsageError(f"{name!r} is a Python keyword; choose another name.")
