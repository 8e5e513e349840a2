"""The fields of a noun, as `app startapp` takes them: `title:str:200`, `state:choice:open,done`, `project:ref?`."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import click

from app.core.data.tables.decimals import MAX_SCALE

MAX_LENGTH: Final[Mapping[str, int]] = {"str": 10_000, "text": 1_000_000}
_VALUE: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_MAX_VALUES: Final = 100
_MAX_VALUE: Final = 30  # characters


@dataclass(frozen=True)
class Kind:
    """A type of fields: its annotation, the field function that declares it, and its default length.

    The annotation of a choice is an Enum of the noun's own.
    """

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
    "choice": Kind("", "choice"),
    "ranked": Kind("", "choice"),
    "decimal": Kind("Decimal", "decimal"),
    "json": Kind("JsonObject", "json"),
    "email": Kind("Email", "text", length=254),
    "url": Kind("Url", "text", length=2000),
    "ref": Kind("RowId", "ref"),
}


@dataclass(frozen=True)
class Field:
    """A field of a noun; `target` is the table that a reference points to, `values` are those of a choice."""

    name: str
    kind: Kind
    nullable: bool = False
    length: int | None = None
    target: str | None = None
    values: tuple[str, ...] = ()
    is_ranked: bool = False
    scale: int | None = None

    def line(self, aliased: Collection[str] = (), noun: str = "") -> str:
        """Return the line that declares the field; functions in `aliased` are imported under another name."""
        function = alias_of(self.kind.function) if self.kind.function in aliased else self.kind.function
        annotation = f"{self.name}: {self.kind.annotation or self.enum_of(noun)}" + " | None" * self.nullable
        return f"{annotation} = {function}({', '.join(self._arguments(noun))})"

    def enum_of(self, noun: str) -> str:
        """Return the name of the Enum of a choice, for the class name of its noun."""
        return noun + "".join(part.capitalize() for part in self.name.split("_"))

    def _arguments(self, noun: str) -> list[str]:
        words = self.name.replace("_", " ")
        if self.target:
            on_delete = "set null" if self.nullable else "restrict"
            about = words.removesuffix(" id")
            return [f'"{self.target}"', f'"The {about} that it belongs to."', f'on_delete="{on_delete}"']
        if self.kind.function == "flag":
            return [f'"Whether it is {words}."'] + ["default=None"] * self.nullable
        description = [f'"{words.capitalize()}."']
        if self.is_ranked:
            ranks = (f"{self.enum_of(noun)}.{value.upper()}: {10 * n}" for n, value in enumerate(self.values, 1))
            return [*description, f"ranks={{{', '.join(ranks)}}}"]
        if self.scale is not None:
            return [*description, f"scale={self.scale}"]
        return description + [f"max_length={self.length}"] * bool(self.length)


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
    found = re.fullmatch(r"(?P<name>[^:]*):(?P<kind>[a-z]+)(?::(?P<more>[A-Za-z0-9_,-]+))?(?P<optional>\??)", word)
    if not found:
        raise click.UsageError(f"{word!r} is not a field; write name:type, like title:str:200 or due:datetime?")
    name, kind, more, nullable = found["name"], found["kind"], found["more"], bool(found["optional"])
    if kind not in KINDS:
        raise click.UsageError(f"{word!r} has an unknown type; the types are {', '.join(KINDS)}.")
    if kind in {"choice", "ranked"}:
        return Field(name, KINDS[kind], nullable, values=_values(word, more), is_ranked=kind == "ranked")
    if kind == "decimal":
        return Field(name, KINDS[kind], nullable, scale=_scale(word, more))
    length = _length(word, kind, more)
    return _reference(name, tables, nullable=nullable) if kind == "ref" else Field(name, KINDS[kind], nullable, length)


def _values(word: str, more: str | None) -> tuple[str, ...]:
    values = tuple((more or "").split(","))
    if not all(_VALUE.fullmatch(value) and len(value) <= _MAX_VALUE for value in values):
        raise click.UsageError(f"{word!r} needs values of a-z, 0-9 and _, like state:choice:open,done.")
    if len({*values}) < len(values):
        raise click.UsageError(f"{word!r} names a value twice; leave one out.")
    if len(values) > _MAX_VALUES:
        raise click.UsageError(f"{word!r} has more than {_MAX_VALUES} values; write them by hand.")
    return values


def _scale(word: str, more: str | None) -> int:
    if not re.fullmatch(f"[0-{MAX_SCALE}]", more or ""):
        raise click.UsageError(f"{word!r} needs its fraction digits, 0 to {MAX_SCALE}; write price:decimal:2.")
    return int(more or "")


def _length(word: str, kind: str, more: str | None) -> int | None:
    if more is None:
        return KINDS[kind].length
    if not re.fullmatch("[0-9]{1,9}", more) or not 1 <= int(more) <= MAX_LENGTH.get(kind, 0):
        allowed = " and ".join(f"{kind} (1 to {length})" for kind, length in MAX_LENGTH.items())
        raise click.UsageError(f"{word!r} cannot have this length; lengths are for {allowed}.")
    return int(more)


def _reference(name: str, tables: Mapping[str, str], *, nullable: bool) -> Field:
    if name not in tables:
        known = ", ".join(f"{one}:ref" for one in sorted(tables)) or "none"
        raise click.UsageError(f"'{name}:ref' does not name an installed noun; the references are: {known}.")
    return Field(f"{name}_id", KINDS["ref"], nullable, target=tables[name])
