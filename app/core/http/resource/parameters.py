"""Query parameters that a class describes: one source for the parser, the refusal of other names, and the document."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from litestar.di import Provide
from litestar.exceptions import ValidationException

from app.core.http.resource.values import ValueType, read_integer

Read = Callable[[Sequence[str]], Any]
"""Returns the value of the texts of a parameter; raises ValueError with a sentence for the client."""

MAX_VALUES: Final = 100  # of one list
_MAX_NAME_LENGTH: Final = 100  # characters of an unknown parameter's name in an error


@dataclass(frozen=True)
class QueryParameter:
    """A query parameter: its description, the JSON schema of its value, and the function that reads its texts."""

    name: str
    description: str
    schema: Mapping[str, Any]
    read: Read
    is_repeatable: bool = False

    def documented(self) -> dict[str, Any]:
        """Return the parameter as OpenAPI has it."""
        form = {"style": "form", "explode": True} if self.schema.get("type") == "array" else {}
        return {"name": self.name, "in": "query", "description": self.description, "schema": dict(self.schema)} | form


class ParametersProvider(Provide):
    """A dependency that reads query parameters of its own, which its signature does not have."""

    __slots__ = ("parameters_of",)

    def __init__(self, dependency: Callable[..., Any], parameters_of: Callable[[], Mapping[str, QueryParameter]]):
        super().__init__(dependency, sync_to_thread=False)
        self.parameters_of = parameters_of

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__


def by_name(parameters: Iterable[QueryParameter]) -> dict[str, QueryParameter]:
    """Return the parameters by name."""
    return {parameter.name: parameter for parameter in parameters}


def read_values(parameters: Mapping[str, QueryParameter], pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the values of these parameters, by name; other names are ignored.

    Raises:
        ValidationException: a value is not valid, or a parameter that is not repeatable is repeated.
    """
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        if name in parameters:
            texts.setdefault(name, []).append(text)
    return {name: _read(parameters[name], found) for name, found in texts.items()}


def _read(parameter: QueryParameter, texts: Sequence[str]) -> Any:
    try:
        return parameter.read(texts)
    except ValueError as error:
        raise invalid_parameter(parameter.name, str(error)) from None


def one_of(kind: ValueType) -> Read:
    """Return the function that reads one value."""
    return lambda texts: kind.read(texts[0])


def each_of(kind: ValueType) -> Read:
    """Return the function that reads one value for each time that the parameter is sent."""
    return lambda texts: [kind.read(text) for text in texts]


def list_of(kind: ValueType) -> Read:
    """Return the function that reads a list: the parameter is repeated, or has commas unless the values are texts."""

    def read(texts: Sequence[str]) -> list[Any]:
        parts = list(texts) if kind.is_text else [part for text in texts for part in text.split(",")]
        if "" in parts:
            raise ValueError("Send at least one value, and no empty one")
        if len(parts) > MAX_VALUES:
            raise ValueError(f"Send at most {MAX_VALUES} values")
        return list(dict.fromkeys(kind.read(part) for part in parts))

    return read


def integer_parameter(name: str, description: str, least: int, greatest: int, **more: Any) -> QueryParameter:
    """Return a parameter with an integer within these limits."""
    wide = {"format": "int64"} if greatest >= 2**31 else {}
    schema = {"type": "integer", "minimum": least, "maximum": greatest, **wide, **more}
    return QueryParameter(name, description, schema, lambda texts: read_integer(texts[0], least, greatest))


def names_parameter(name: str, description: str, offered: Collection[str]) -> QueryParameter:
    """Return a parameter with a list of names, separated by commas; its value has them in the order of the offer."""

    def read(texts: Sequence[str]) -> tuple[str, ...]:
        names = texts[0].split(",")
        check_names(names, offered)
        return tuple(each for each in offered if each in names)

    return QueryParameter(name, description, names_schema(offered, len(offered)), read)


def names_schema(offered: Iterable[str], most: int, sign: str = "") -> dict[str, Any]:
    """Return the JSON Schema of at most so many names, each perhaps after a sign, separated by commas."""
    name = f"{sign}({'|'.join(map(re.escape, offered))})"
    return {"type": "string", "pattern": f"^{name}(,{name}){{0,{most - 1}}}$"}


def check_names(names: Sequence[str], offered: Collection[str]) -> None:
    """Check that each of the names is offered, and there once; raise ValueError otherwise."""
    if not set(names) <= set(offered):
        raise ValueError(f"Choose from {', '.join(offered)}")
    if len(set(names)) < len(names):
        raise ValueError("Send each name only once")


def invalid_parameter(name: str, message: str) -> ValidationException:
    """Return the 422 for a query parameter."""
    return ValidationException(extra=[{"source": "query", "key": name[:_MAX_NAME_LENGTH], "message": message}])
