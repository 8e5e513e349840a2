"""Invents values for fields with rules that polyfactory does not know: decimals and addresses."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from app.core.data.tables.addresses import EMAIL, URI
from app.core.data.tables.decimals import DecimalRules
from app.core.data.tables.declarations import type_and_rules

Invent = Callable[[Any], Any]
"""Returns a value, made with a Faker."""

_DOMAIN: Final = "@example.com"
_SITE: Final = "https://example.com/"
_RANGE: Final = 1000  # between the numbers of a field without bounds


@cache
def inventors_of(model: type[BaseModel]) -> Mapping[str, Invent]:
    """Return a function for each field of a model that needs one."""
    found = {name: _inventor_of(field) for name, field in model.model_fields.items()}
    return {name: invent for name, invent in found.items() if invent}


def _inventor_of(field: FieldInfo) -> Invent | None:
    rules = type_and_rules(field)[1]
    length = min((getattr(rule, "max_length", None) or 254 for rule in rules), default=254)
    if decimal := next((rule for rule in rules if isinstance(rule, DecimalRules)), None):
        return lambda faker: _decimal(faker, decimal)
    if EMAIL in rules:
        return lambda faker: _email(faker, length - len(_DOMAIN))
    return (lambda faker: _url(faker, length - len(_SITE))) if URI in rules else None


def _decimal(faker: Any, rules: DecimalRules) -> Decimal:
    least = rules.ge if rules.ge is not None else min(Decimal(0), rules.le or Decimal(0))
    most = rules.le if rules.le is not None else least + _RANGE
    first, last = (int(bound.scaleb(rules.scale)) for bound in (least, most))
    return Decimal(faker.random.randint(first, last)).scaleb(-rules.scale)


def _email(faker: Any, length: int) -> str:
    # The number makes a second address of the same name improbable: a unique constraint may forbid it.
    number = str(faker.random.randint(0, 10**9))
    return f"{faker.first_name().lower()}{number}"[-max(1, length) :] + _DOMAIN


def _url(faker: Any, length: int) -> str:
    return _SITE + f"{faker.word()}-{faker.random.randint(0, 10**9)}"[-length:] if length > 0 else _SITE.rstrip("/")
