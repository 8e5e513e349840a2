"""The fields of a noun, as `app startapp` takes them: `title:str:200`, `due:datetime?`, `project:ref`."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import click

MAX_LENGTH: Final[Mapping[str, int]] = {"str": 10_000, "text": 1_000_000}


@dataclass(frozen=True)
class Kind:
    """A type of fields: its annotation, the field function that declares it, and its default length."""

    annotation: str
    function: str
    length: int | None = None


KINDS: Final[Mapping[str, Kind]] = {
    "str": Kind("NonBlankText", "text", length=200),
    "text": Kind("PlainText", "long_text", length=10_000),
    "bool": Kind("bool", "flag"),
    "int": Kind("SafeInt", "integer"),
    "float": Kind("FiniteFloat", "number"),
    "date": Kind("Day", "day"),
    "datetime": Kind("Instant", "instant"),
    "uuid": Kind("UUID", "uuid"),
    "ref": Kind("RowId", "ref"),
}


@dataclass(frozen=True)
class Field:
    """A field of a noun; `target` is the table that a reference points to."""

    name: str
    kind: Kind
    nullable: bool = False
    length: int | None = None
    target: str | None = None

    def line(self, aliased: Collection[str] = ()) -> str:
        """Return the line that declares the field; functions in `aliased` are imported under another name."""
        function = alias_of(self.kind.function) if self.kind.function in aliased else self.kind.function
        annotation = f"{self.name}: {self.kind.annotation}" + " | None" * self.nullable
        return f"{annotation} = {function}({', '.join(self._arguments())})"

    def _arguments(self) -> list[str]:
        words = self.name.replace("_", " ")
        if self.target:
            on_delete = "set null" if self.nullable else "restrict"
            about = words.removesuffix(" id")
            return [f'"{self.target}"', f'"The {about} that it belongs to."', f'on_delete="{on_delete}"']
        if self.kind.function == "flag":
            return [f'"Whether it is {words}."'] + ["default=None"] * self.nullable
        return [f'"{words.capitalize()}."'] + [f"max_length={self.length}"] * bool(self.length)


def alias_of(function: str) -> str:
    """Return the name under which a field function is imported if a field has its name."""
    return f"{function}_field"


def parse_fields(words: Iterable[str], tables: Mapping[str, str]) -> tuple[Field, ...]:
    """Parse words like `title:str:200`; `tables` maps the name before `:ref` to a table.

    Raises:
        click.UsageError: a word is not a field, its type is unknown, or its reference has no table.
    """
    return tuple(_parse(word, tables) for word in words)


def _parse(word: str, tables: Mapping[str, str]) -> Field:
    found = re.fullmatch(r"(?P<name>[^:]*):(?P<kind>[a-z]+)(?::(?P<length>[0-9]{1,9}))?(?P<optional>\??)", word)
    if not found:
        raise click.UsageError(f"{word!r} is not a field; write name:type, like title:str:200 or due:datetime?")
    name, kind, length = found["name"], found["kind"], found["length"]
    if kind not in KINDS:
        raise click.UsageError(f"{word!r} has an unknown type; the types are {', '.join(KINDS)}.")
    if length is not None and not 1 <= int(length) <= MAX_LENGTH.get(kind, 0):
        allowed = " and ".join(f"{kind} (1 to {length})" for kind, length in MAX_LENGTH.items())
        raise click.UsageError(f"{word!r} cannot have this length; lengths are for {allowed}.")
    if kind == "ref":
        return _reference(name, tables, nullable=bool(found["optional"]))
    return Field(name, KINDS[kind], bool(found["optional"]), int(length) if length else KINDS[kind].length)


def _reference(name: str, tables: Mapping[str, str], *, nullable: bool) -> Field:
    if name not in tables:
        known = ", ".join(f"{one}:ref" for one in sorted(tables)) or "none"
        raise click.UsageError(f"'{name}:ref' does not name an installed noun; the references are: {known}.")
    return Field(f"{name}_id", KINDS["ref"], nullable, target=tables[name])
