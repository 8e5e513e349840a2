"""Values in a query: each type of field reads the one spelling of its values, and writes it.

The rules are those of JSON bodies and paths, because a value has one spelling everywhere.
"""

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from importlib.resources import files
from operator import attrgetter
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from app.core.data.tables.decimals import DecimalRules
from app.core.data.tables.field_types import Instant
from app.core.http.resource.integers import is_integer

MAX_TEXT: Final = 1_000  # characters
MAX_INT64: Final = 2**63 - 1

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")  # as in JSON
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT: Final = re.compile(
    rf"{_DAY.pattern}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(?:\.[0-9]{{1,6}})?(?:Z|[+-][0-9:]{{5}})"
)
_INSTANTS: Final = TypeAdapter[datetime](Instant)


class ValueType(NamedTuple):
    """How the values of a field are read from a query and written to one, and their JSON schema.

    `read` raises ValueError with a sentence for the client. It accepts what `repaired` corrects.
    """

    read: Callable[[str], Any]
    schema: dict[str, Any]
    write: Callable[[Any], str] = str
    is_text: bool = False
    repaired: Callable[[str], str] = str


def value_type_of(annotation: Any, rules: tuple[Any, ...] = ()) -> ValueType | None:
    """Return the type for the values of a field with this annotation; None if a query cannot have such values."""
    bare, rules = _unwrapped(annotation, rules)
    if get_origin(bare) is Literal:
        return _choice_of({str(value): value for value in get_args(bare)})
    if not isinstance(bare, type):
        return None
    if issubclass(bare, Enum):
        return _choice_of({str(member.value): member for member in bare})
    if issubclass(bare, Decimal):
        rules = tuple(rule.unbounded if isinstance(rule, DecimalRules) else rule for rule in rules)
        return _decimal_of(TypeAdapter(Annotated[bare, *rules] if rules else bare))
    return _BY_TYPE.get(bare)


def _unwrapped(annotation: Any, rules: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    # The type without None and Annotated, and all its rules.
    if get_origin(annotation) is Annotated:
        bare, *inner = get_args(annotation)
        return _unwrapped(bare, (*inner, *rules))
    present = [part for part in get_args(annotation) if part is not NoneType]
    if get_origin(annotation) in {Union, UnionType} and len(present) == 1:
        return _unwrapped(present[0], rules)
    return annotation, rules


def read_text(text: str) -> str:
    """Return a text that both databases can store, compared exactly."""
    if _UNSTORABLE.search(text):
        raise ValueError("Send a text in UTF-8, without NUL characters")
    if len(text) > MAX_TEXT:
        raise ValueError(f"Send at most {MAX_TEXT:,} characters")
    return text


def read_bool(text: str) -> bool:
    """Return a bool."""
    if text not in {"true", "false"}:
        raise ValueError("Send true or false")
    return text == "true"


def read_integer(text: str, least: int = -MAX_INT64 - 1, greatest: int = MAX_INT64) -> int:
    """Return an integer within these limits."""
    # 20 characters: Python refuses to convert thousands of digits.
    if not is_integer(text) or len(text) > 20 or not least <= int(text) <= greatest:
        raise ValueError(f"Send an integer from {least} to {greatest}, in decimal digits")
    return int(text)


def _read_float(text: str) -> float:
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError("Send a number, such as 1.5")
    return float(text)


def _read_day(text: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError("Send a date, such as 2026-01-31")


def _read_instant(text: str) -> datetime:
    repaired = _with_plus(text)
    if _DAY.fullmatch(text):
        raise ValueError("Send a time with its UTC offset; the begin of this day in UTC is written <day>T00:00:00Z")
    try:
        if _INSTANT.fullmatch(repaired):
            return _INSTANTS.validate_python(datetime.fromisoformat(repaired))
    except ValueError:
        pass
    raise ValueError("Send a time with its UTC offset, such as 2026-01-31T12:00:00Z")


def _with_plus(text: str) -> str:
    # A `+` in a query is a space: a client that does not encode it means the offset.
    return f"{text[:-6]}+{text[-5:]}" if text[-6:-5] == " " else text


def _write_instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _read_uuid(text: str) -> UUID:
    try:
        if str(found := UUID(text)) == text:
            return found
    except ValueError:
        pass
    raise ValueError("Send a UUID in lower case, with hyphens")


def _read_zone(text: str) -> ZoneInfo:
    if text not in _zone_names():  # ZoneInfo() takes the name of any file
        raise ValueError("Send the IANA name of a time zone, such as Europe/Berlin")
    return ZoneInfo(text)


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text().split())


def _choice_of(members: dict[str, Any]) -> ValueType:
    names = list(members)

    def read(text: str) -> Any:
        if text not in members:
            raise ValueError(f"Send one of {', '.join(names)}")
        return members[text]

    return ValueType(read, {"type": "string", "enum": names}, _write_choice)


def _write_choice(member: Any) -> str:
    return str(member.value if isinstance(member, Enum) else member)


def _decimal_of(rules: TypeAdapter[Decimal]) -> ValueType:
    def read(text: str) -> Decimal:
        try:
            if _DECIMAL.fullmatch(text):
                return rules.validate_python(text)
        except ValidationError as error:
            raise ValueError(error.errors()[0]["msg"]) from None
        raise ValueError("Send a decimal number, such as 12.50")

    described = rules.json_schema()
    return ValueType(read, described if described.get("type") == "string" else {"type": "string"}, "{:f}".format)


TEXT: Final = ValueType(read_text, {"type": "string", "maxLength": MAX_TEXT, "pattern": r"^[^\x00]*$"}, is_text=True)
BOOL: Final = ValueType(read_bool, {"type": "boolean"}, lambda value: "true" if value else "false")
INTEGER: Final = ValueType(
    read_integer, {"type": "integer", "minimum": -MAX_INT64 - 1, "maximum": MAX_INT64, "format": "int64"}
)
_BY_TYPE: Final[dict[type, ValueType]] = {
    str: TEXT,
    bool: BOOL,
    int: INTEGER,
    float: ValueType(_read_float, {"type": "number"}, repr),
    date: ValueType(_read_day, {"type": "string", "format": "date"}),
    datetime: ValueType(_read_instant, {"type": "string", "format": "date-time"}, _write_instant, repaired=_with_plus),
    UUID: ValueType(_read_uuid, {"type": "string", "format": "uuid"}),
    ZoneInfo: ValueType(_read_zone, {"type": "string", "examples": ["Europe/Berlin"]}, attrgetter("key")),
}
