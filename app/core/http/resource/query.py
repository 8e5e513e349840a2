"""The query: only parameters that the handler declares, each at most once."""

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
_MAX_NAME_LENGTH = 100  # characters of an unknown parameter's name in an error


class QueryMiddleware:
    """Refuses unknown and repeated query parameters: a request with a typo must not list all rows.

    An integer has one spelling, as in a path. Public routes accept any parameter, because load balancers add some.
    """

    # A middleware, because a guard costs more: for each guard Litestar copies a handler that is not an `Operation`.

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
        if value.lower() == "null" and not _takes_text(known[name]):  # msgspec reads it as None
            raise invalid_parameter(name, "Leave this parameter out; it cannot be null")


@cache
def query_parameters(handler: BaseRouteHandler) -> Mapping[str, FieldDefinition]:
    """Return the query parameters of a handler, by name."""
    signatures = _signatures(handler.parsed_fn_signature, handler.resolve_dependencies())
    fields = [field for signature in signatures for field in signature.parameters.values()]
    found = ((field.kwarg_definition, field) for field in fields)
    return {kind.name or field.name: field for kind, field in found if isinstance(kind, QueryParameter)}


def _is_integer(field: FieldDefinition) -> bool:
    return {part.annotation for part in field.inner_types or (field,)} - {NoneType} == {int}


def _takes_text(field: FieldDefinition) -> bool:
    return any(part.annotation is str for part in (field, *field.inner_types))


def _signatures(signature: ParsedSignature, dependencies: Mapping[str, Provide]) -> Iterator[ParsedSignature]:
    # Only the dependencies that the handler uses: a controller has more.
    yield signature
    for name in signature.parameters.keys() & dependencies.keys():
        yield from _signatures(dependencies[name].parsed_fn_signature, dependencies)


def invalid_parameter(name: str, message: str) -> ValidationException:
    """Return the 422 for a query parameter."""
    return ValidationException(extra=[{"source": "query", "key": name[:_MAX_NAME_LENGTH], "message": message}])
