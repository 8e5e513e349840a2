"""A noun's fields: `title:str:200`, `due:datetime?`, `project:ref`; each type crosses JSON and both databases whole."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import click

LONGEST: Final[Mapping[str, int]] = {"str": 10_000, "text": 1_000_000}
DEFAULT_LENGTHS: Final[Mapping[str, int]] = {"str": 200, "text": 10_000}

Import = tuple[str, str]

_FIELDS: Final = "app.core.data.tables.fields"


@dataclass(frozen=True)
class Kind:
    """A type that a field can have: how it is annotated, what that imports, and the column where it is not plain."""

    annotation: str
    module: str | None = None
    column: Import | None = None
    default: str | None = None


KINDS: Final[Mapping[str, Kind]] = {
    "str": Kind("NonBlankText", _FIELDS),
    "text": Kind("PlainText", _FIELDS, column=("sqlalchemy", "Text")),
    "bool": Kind("bool", default="False"),
    "int": Kind("SafeInt", _FIELDS, column=("sqlalchemy", "BigInteger")),
    "float": Kind("FiniteFloat", "pydantic"),
    "date": Kind("Day", _FIELDS),
    "datetime": Kind("Instant", _FIELDS),
    "uuid": Kind("UUID", "uuid"),
    "ref": Kind("RowId", _FIELDS, column=(_FIELDS, "BigIntKey")),
}


@dataclass(frozen=True)
class Field:
    """One field of a noun; `target` is the table that a reference is to."""

    name: str
    kind: Kind
    nullable: bool = False
    length: int | None = None
    target: str | None = None

    @property
    def line(self) -> str:
        """Its line in the class of fields."""
        default = "None" if self.nullable else self.kind.default
        options = [f"max_length={self.length}"] if self.length else []
        options += [f"sa_type={self.kind.column[1]}"] if self.kind.column else []
        annotation = f"{self.name}: {self.kind.annotation}" + " | None" * self.nullable
        if options:
            arguments = [f"default={default}"] * (default is not None) + options
            return f"{annotation} = Field({', '.join(arguments)})"
        return f"{annotation} = {default}" if default else annotation

    @property
    def imports(self) -> set[Import]:
        """What that line needs, as pairs of module and name."""
        needed = {(self.kind.module, self.kind.annotation)} if self.kind.module else set()
        if self.kind.column:
            needed.add(self.kind.column)
        return needed | ({("sqlmodel", "Field")} if self.kind.column or self.length else set())

    @property
    def reference(self) -> str | None:
        """The call that makes its key, if it is a reference: what must not dangle keeps its target from deletion."""
        fate = "set null" if self.nullable else "restrict"
        return f'reference("{self.name}", "{self.target}", on_delete="{fate}")' if self.target else None


def parse_fields(words: Iterable[str], tables: Mapping[str, str]) -> tuple[Field, ...]:
    """Return the fields that the words name; `tables` are those to refer to, by what one of their rows is called.

    Raises:
        click.UsageError: a word that is no field, a type that there is not, or a reference to nothing.
    """
    return tuple(_parse(word, tables) for word in words)


def _parse(word: str, tables: Mapping[str, str]) -> Field:
    found = re.fullmatch(r"(?P<name>[^:]*):(?P<kind>[a-z]+)(?::(?P<length>[0-9]{1,9}))?(?P<optional>\??)", word)
    if not found:
        raise click.UsageError(f"{word!r} is no field; write name:type, like title:str:200 or due:datetime?")
    name, kind, length = found["name"], found["kind"], found["length"]
    if kind not in KINDS:
        raise click.UsageError(f"{word!r} has a type that there is not; the types are {', '.join(KINDS)}.")
    if length is not None and not 1 <= int(length) <= LONGEST.get(kind, 0):
        longest = " and ".join(f"{kind} (1 to {length})" for kind, length in LONGEST.items())
        raise click.UsageError(f"{word!r} has a length; it is for {longest}.")
    if kind == "ref":
        return _reference(name, tables, nullable=bool(found["optional"]))
    return Field(name, KINDS[kind], bool(found["optional"]), int(length) if length else DEFAULT_LENGTHS.get(kind))


def _reference(name: str, tables: Mapping[str, str], *, nullable: bool) -> Field:
    if name not in tables:
        known = ", ".join(f"{one}:ref" for one in sorted(tables)) or "none yet"
        raise click.UsageError(f"'{name}:ref' refers to nothing that is installed; there is {known}.")
    return Field(f"{name}_id", KINDS["ref"], nullable, target=tables[name])
