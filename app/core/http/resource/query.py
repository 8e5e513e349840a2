"""The query: its parameters are those that the handler declares, each given once and in its one spelling."""

from collections.abc import Awaitable, Iterator, Mapping
from functools import cache
from types import NoneType
from typing import Final
from urllib.parse import parse_qsl

from litestar.di import Provide
from litestar.exceptions import ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter
from litestar.types import ASGIApp, Receive, Scope, Send
from litestar.typing import FieldDefinition
from litestar.utils.signature import ParsedSignature

from app.core.auth.middleware import PUBLIC
from app.core.http.resource.integers import is_integer

UNKNOWN_PARAMETER: Final = "Unknown query parameter"
_MAX_NAME_LENGTH = 100  # characters of an unknown parameter's name that an answer repeats


class QueryMiddleware:
    """Refuses a query parameter that the handler does not have, or one given twice: a typo must not list everything.

    An integer has one spelling there, as in a path. Public routes take any parameter: probes like to add their own.

    Raises:
        ValidationException: naming the first one that is wrong.
    """

    # It is no guard: Litestar copies a handler that is no `Operation` for each guard of each request.

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["query_string"] and not scope["route_handler"].opt.get(PUBLIC):
            _check_query(scope["route_handler"], parse_qsl(scope["query_string"].decode("latin-1"), True))
        return self._app(scope, receive, send)


def _check_query(handler: BaseRouteHandler, pairs: list[tuple[str, str]]) -> None:
    known = query_parameters(handler)
    names = [name for name, _ in pairs]
    for name, value in pairs:
        if name not in known:
            raise invalid_parameter(name, UNKNOWN_PARAMETER)
        if names.count(name) > 1:
            raise invalid_parameter(name, "Send this parameter only once")
        if _is_integer(known[name]) and not is_integer(value):
            raise invalid_parameter(name, "Send an integer in decimal digits")
        if value.lower() == "null" and not _takes_text(known[name]):  # msgspec would take it for one that is left out
            raise invalid_parameter(name, "Leave this parameter out; it cannot be null")


@cache
def query_parameters(handler: BaseRouteHandler) -> Mapping[str, FieldDefinition]:
    """Return what may stand in the query, by its name."""
    signatures = _signatures(handler.parsed_fn_signature, handler.resolve_dependencies())
    fields = [field for signature in signatures for field in signature.parameters.values()]
    found = ((field.kwarg_definition, field) for field in fields)
    return {kind.name or field.name: field for kind, field in found if isinstance(kind, QueryParameter)}


def _is_integer(field: FieldDefinition) -> bool:
    return {part.annotation for part in field.inner_types or (field,)} - {NoneType} == {int}


def _takes_text(field: FieldDefinition) -> bool:
    return any(part.annotation is str for part in (field, *field.inner_types))


def _signatures(signature: ParsedSignature, dependencies: Mapping[str, Provide]) -> Iterator[ParsedSignature]:
    """The signature and those of the dependencies that it asks for: a controller offers more than each handler uses."""
    yield signature
    for name in signature.parameters.keys() & dependencies.keys():
        yield from _signatures(dependencies[name].parsed_fn_signature, dependencies)


def invalid_parameter(name: str, message: str) -> ValidationException:
    """Return the error that names a query parameter."""
    return ValidationException(extra=[{"source": "query", "key": name[:_MAX_NAME_LENGTH], "message": message}])
