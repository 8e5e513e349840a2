"""JSON documents in a column: one canonical form, so that both databases return the same bytes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any, Final, get_args

import msgspec
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema, to_jsonable_python
from sqlalchemy import CheckConstraint, Dialect, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from app.core.data.tables.field_types import MAX_SAFE_INT
from app.core.data.tables.stored_types import StoredType

MAX_BYTES: Final = 2**14
MAX_DEPTH: Final = 20
LIMITS: Final = f"At most {MAX_BYTES // 1024} KB as JSON, and at most {MAX_DEPTH} levels deep."

_NOT_NULL: Final = ["object", "array", "string", "number", "boolean"]


class JsonDocument(StoredType):
    """A JSON value: JSONB on PostgreSQL, a text on SQLite. It reads and writes plain lists, dicts and scalars."""

    impl = Text
    cache_ok = True
    in_migrations = "sa.Text().with_variant(postgresql.JSONB(), 'postgresql')"

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        is_postgres = dialect.name == "postgresql"
        return dialect.type_descriptor(JSONB(none_as_null=True) if is_postgres else Text())

    def check(self, column: str) -> CheckConstraint:
        # One condition for both databases, because one migration serves both. It is always true for JSON; for another
        # text the operator `->` is an error on SQLite, where the column would hold any text.
        return CheckConstraint(f"((\"{column}\" -> '$') IS NULL) IN (TRUE, FALSE)", name=column)

    @property
    def dumped(self) -> Any:
        return Any

    @property
    def python_type(self) -> type[Any]:
        return dict

    def parse(self, text: str) -> Any:
        return canonical(msgspec.json.decode(text))

    def literal(self, value: Any) -> str:
        return encoded(canonical(value))

    def bind_processor(self, dialect: Any) -> Callable[[Any], str | None]:
        return lambda value: None if value is None else self.literal(value)

    def result_processor(self, dialect: Any, coltype: object) -> Callable[[Any], Any] | None:
        if dialect.name == "postgresql":
            return None  # psycopg has parsed it
        return lambda text: None if text is None else msgspec.json.decode(text)


@dataclass(frozen=True)
class JsonRules:
    """The rules of a field: its size and depth, and a canonical form in which it leaves the body."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        is_optional = NoneType in get_args(source)

        def validate(value: Any) -> Any:
            if value is None and not is_optional:
                raise PydanticCustomError("json_null", "Input should not be null")
            try:
                encoded(canonical(value))
            except ValueError as error:
                raise PydanticCustomError("json_value", "{reason}", {"reason": str(error)}) from None
            return value

        plain = core_schema.plain_serializer_function_ser_schema(canonical)
        return core_schema.no_info_after_validator_function(validate, handler(source), serialization=plain)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) or {"type": _NOT_NULL, "items": {}}  # an empty schema allows null


def canonical(value: Any) -> Any:
    """Return a value as plain JSON with sorted keys; ValueError if both databases cannot keep it alike.

    A number without a fraction becomes an integer. Numbers beyond ±(2^53 - 1), which JavaScript cannot read exactly,
    NaN, infinities and NUL are refused.
    """
    return _canonical(to_jsonable_python(value), 0)


def encoded(value: Any) -> str:
    """Return canonical JSON as text; ValueError if it is too long."""
    content = msgspec.json.encode(value)
    if len(content) > MAX_BYTES:
        raise ValueError(f"Input should have at most {MAX_BYTES} bytes as JSON")
    return content.decode()


def _canonical(value: Any, depth: int) -> Any:
    if isinstance(value, dict | list) and depth == MAX_DEPTH:
        raise ValueError(f"Input should be at most {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        return dict(_sorted_items(value, depth + 1))
    if isinstance(value, list):
        return [_canonical(item, depth + 1) for item in value]
    if isinstance(value, str):
        return _text(value)
    return value if value is None or isinstance(value, bool) else _number(value)


def _sorted_items(value: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
    # In the order of JSONB: by length in bytes, then by bytes.
    keyed = {_text(name).encode(): name for name in value}
    for name in sorted(keyed, key=lambda key: (len(key), key)):
        yield keyed[name], _canonical(value[keyed[name]], depth)


def _text(text: str) -> str:
    if "\x00" in text or (not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)):
        raise ValueError("Input should not contain NUL characters or half of a surrogate pair")
    return text


def _number(number: Any) -> int | float:
    if not -MAX_SAFE_INT <= number <= MAX_SAFE_INT:  # also NaN
        raise ValueError("Input should have numbers from -(2^53 - 1) to 2^53 - 1 only")
    return int(number) if number == int(number) else float(number)
