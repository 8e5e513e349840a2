"""A noun's names, and which of them cannot be: each refusal is one sentence, before anything is written."""

import ast
import keyword
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import click
from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS
from sqlmodel import SQLModel

from app.core.cli.scaffold.fields import Field
from app.core.data.fields import Timestamped
from app.core.data.owned import Owned

LONGEST_NAME: Final = 24
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_ROOMS: Final = frozenset({"auth", "data", "http", "ops", "cli", "core", "testing", "laws", "benchmarks", "health"})
_SQL: Final = RESERVED_WORDS | {  # of SQLite, which reserves some more
    *("add", "alter", "autoincrement", "between", "by", "commit", "delete", "drop", "escape", "exists", "if", "index"),
    *("insert", "is", "isnull", "join", "like", "match", "natural", "notnull", "nothing", "raise", "regexp", "set"),
    *("transaction", "update", "values", "without", "full", "inner", "left", "outer", "right", "cross", "glob"),
}
_DOCUMENTED: Final = frozenset({"Problem", "FieldError"})  # what the API's description has already


@dataclass(frozen=True)
class Noun:
    """What several rows are called, what one is called, and what is known of each."""

    plural: str
    singular: str
    fields: tuple[Field, ...]

    @property
    def cls(self) -> str:
        """The name of its class."""
        return "".join(part.capitalize() for part in self.singular.split("_"))


def singular_of(plural: str) -> str:
    """Return what one of several is called, where English leaves no doubt.

    Raises:
        click.UsageError: it does; the user has to say.
    """
    if not plural.endswith("s"):
        raise click.UsageError(
            f"{plural!r} does not end in s; name several, like notes, or say what one is: --singular."
        )
    if re.search(r"(ss|us|is|ies|[sxzo]es|[cs]hes|ves|^news)$", plural) or len(plural) < 3:  # movies, caches
        raise click.UsageError(f"what is one of {plural!r} called? Say it with --singular.")
    return plural[:-1]


def refuse_noun(plural: str, tables: Iterable[str]) -> None:
    """Refuse a name of several that is invalid, reserved or taken.

    Raises:
        click.UsageError: saying which and why.
    """
    refuse_form(plural)
    if plural in _ROOMS:
        raise click.UsageError(f"{plural!r} is the name of a room of this house; choose another.")
    if plural in tables or plural.startswith(("pg_", "sqlite_", "alembic_")):
        raise click.UsageError(f"there is a table {plural!r} already, or the database keeps that name for its own.")


def refuse_fields(fields: Iterable[Field]) -> None:
    """Refuse fields whose names are invalid, reserved or given twice.

    Raises:
        click.UsageError: saying which and why.
    """
    seen: set[str] = set()
    for name in (field.name for field in fields):
        refuse_form(name)
        if name in {*Owned.model_fields, *Timestamped.model_fields}:
            raise click.UsageError(f"every noun has a field {name!r} already; leave it out, or choose another name.")
        if name.startswith("model_") or name == "registry" or hasattr(SQLModel, name):  # SQLAlchemy keeps it
            raise click.UsageError(f"{name!r} means something to pydantic or SQLModel; choose another name.")
        if name in seen:
            raise click.UsageError(f"there are two fields {name!r}; leave one out.")
        seen.add(name)


def refuse_clashes(texts: Mapping[str, str], classes: Iterable[str]) -> None:
    """Refuse a noun that would define again what it imports or reads, or what another noun has defined.

    Raises:
        click.UsageError: naming what.
    """
    taken = {*classes, *_DOCUMENTED}
    for text in texts.values():
        tree = ast.parse(text)
        nodes = list(ast.walk(tree))
        imported = {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
        read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        defined = {node.name for node in nodes if isinstance(node, ast.ClassDef)}
        fields = {
            node.target.id for node in nodes if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        }
        for name in sorted(defined & (imported | taken) | fields & (imported | read)):
            raise click.UsageError(f"{name!r} is the name of something else that the noun needs; choose another name.")


def refuse_form(name: str) -> None:
    """Refuse what is no name in Python and in SQL.

    Raises:
        click.UsageError: saying why.
    """
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise click.UsageError(f"{name!r} is no name: write 1 to {LONGEST_NAME} of a-z, 0-9 and _, a letter first.")
    if keyword.iskeyword(name) or name in _SQL:
        raise click.UsageError(f"{name!r} is a word of Python or of SQL; choose another name.")
