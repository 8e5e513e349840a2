"""Decimals: exact numbers with a fixed number of fraction digits, stored as integers and sent as JSON strings."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from types import NoneType
from typing import Annotated, Any, Final, get_args

from msgspec import Meta
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.sql import operators

from app.core.data.errors import InvalidDeclaration
from app.core.data.tables.stored_types import StoredType

SCALE: Final = "scale"
MAX_DIGITS: Final = 18  # all integers of so many digits fit into 64 bits
MAX_SCALE: Final = 6  # Python writes a number with more zeros as 1E-7

_SCALING: Final = {operators.mul, operators.truediv, operators.floordiv, operators.mod}


class ScaledDecimal(StoredType):
    """A Decimal with `scale` fraction digits, stored as an integer: 12.50 as 1250."""

    # Not NUMERIC: SQLite has no exact type but INTEGER, and both databases must sort and add alike.
    impl = BigInteger
    cache_ok = True
    in_migrations = "sa.BigInteger()"

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    def check(self, column: str) -> CheckConstraint:
        # The factor in the condition tells the comparison with the models which scale the stored numbers have.
        most = 10 ** (MAX_DIGITS - self.scale) - 1
        rule = CheckConstraint(f'"{column}" / {10**self.scale} BETWEEN -{most} AND {most}', name=column)
        rule.info[SCALE] = self.scale
        return rule

    @property
    def dumped(self) -> Any:
        return Annotated[str, Meta(pattern=pattern_of(self.scale, is_exact=True))]

    @property
    def python_type(self) -> type[Any]:
        return Decimal

    def parse(self, text: str) -> Decimal:
        return parse_decimal(text, self.scale)

    def literal(self, value: Any) -> int:
        number = Decimal(value).scaleb(self.scale) if isinstance(value, Decimal | int | str) else Decimal("nan")
        if not number.is_finite() or number.adjusted() >= MAX_DIGITS or number != int(number):
            raise ValueError(f"{value!r} is not a decimal with at most {self.scale} fraction digits")
        return int(number)

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        # `price * 2` multiplies by 2, not by 200.
        return BigInteger() if op in _SCALING and isinstance(value, int) else self

    def bind_processor(self, dialect: Any) -> Callable[[Any], int | None]:
        return lambda value: None if value is None else self.literal(value)

    def result_processor(self, dialect: Any, coltype: object) -> Callable[[Any], Decimal | None]:
        exponent = -self.scale
        return lambda number: None if number is None else Decimal(number).scaleb(exponent)


@dataclass(frozen=True)
class DecimalRules:
    """The rules of a field: its scale and bounds. JSON has a string, because a float is not exact."""

    scale: int
    ge: Decimal | None
    le: Decimal | None

    @property
    def unbounded(self) -> "DecimalRules":
        # For a comparison, which may be with a number that no row can have.
        return DecimalRules(self.scale, None, None)

    @property
    def example(self) -> Decimal:
        """A number within the bounds: 12.50 if it is one."""
        number = Decimal("12.5").quantize(Decimal(1).scaleb(-self.scale))
        number = number if self.le is None else min(number, self.le)
        return number if self.ge is None else max(number, self.ge)

    def normalized(self, default: Any) -> Any:
        """Return a default with all fraction digits; one that is no such number is returned as it is."""
        try:
            return parse_decimal(str(default), self.scale)
        except ValueError:
            return default

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        pattern = pattern_of(self.scale)
        schema: CoreSchema = core_schema.no_info_plain_validator_function(
            self._validate,
            json_schema_input_schema=core_schema.str_schema(pattern=pattern, max_length=MAX_DIGITS + 2),
            serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="json"),
        )
        return core_schema.nullable_schema(schema) if NoneType in get_args(source) else schema

    def _validate(self, value: Any) -> Decimal:
        if not isinstance(value, str | Decimal):
            raise PydanticCustomError("decimal_string", "Input should be a string with a decimal number")
        try:
            number = parse_decimal(format(value, "f") if isinstance(value, Decimal) else value, self.scale)
        except ValueError as error:
            raise PydanticCustomError("decimal_parsing", "{reason}", {"reason": str(error)}) from None
        if self.ge is not None and number < self.ge:
            raise PydanticCustomError("greater_than_equal", "Input should be at least {ge}", {"ge": str(self.ge)})
        if self.le is not None and number > self.le:
            raise PydanticCustomError("less_than_equal", "Input should be at most {le}", {"le": str(self.le)})
        return number


def decimal_rules(scale: int, ge: Decimal | int | str | None, le: Decimal | int | str | None) -> DecimalRules:
    """Return the rules of a field; InvalidDeclaration if no number can obey them."""
    call = f"decimal(scale={scale}, ge={ge}, le={le})"
    if not 0 <= scale <= MAX_SCALE:
        raise InvalidDeclaration(f"{call}: a scale is from 0 to {MAX_SCALE}.")
    try:
        least, most = (None if bound is None else parse_decimal(str(bound), scale) for bound in (ge, le))
    except ValueError:
        raise InvalidDeclaration(
            f'{call}: a bound has at most {scale} fraction digits; write a text, like "0.5".'
        ) from None
    if least is not None and most is not None and least > most:
        raise InvalidDeclaration(f"{call}: ge is above le, so no value is valid; swap them.")
    return DecimalRules(scale, least, most)


def pattern_of(scale: int, *, is_exact: bool = False) -> str:
    """Return the pattern of a decimal with at most, or exactly, `scale` fraction digits."""
    fraction = rf"\.[0-9]{{{scale}}}" if is_exact else rf"(\.[0-9]{{1,{scale}}})?"
    return rf"^-?(0|[1-9][0-9]{{0,{MAX_DIGITS - scale - 1}}}){fraction if scale else ''}$"


def parse_decimal(text: str, scale: int) -> Decimal:
    """Return the number with exactly `scale` fraction digits; ValueError if the text is none, or has more."""
    if not re.fullmatch(pattern_of(scale), text):
        digits = f"at most {MAX_DIGITS - scale} digits" + f" and {scale} fraction digits" * bool(scale)
        raise ValueError(f"Input should be a decimal number of {digits}, without an exponent")
    number = Decimal(text).quantize(Decimal(1).scaleb(-scale))
    return abs(number) if number == 0 else number  # there is no negative zero
