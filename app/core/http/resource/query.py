"""The query: only parameters that the handler declares, each at most once unless it is repeatable."""

from collections import Counter
from collections.abc import Awaitable, Iterator, Mapping
from functools import cache, lru_cache
from http import HTTPStatus
from types import NoneType
from typing import Final
from urllib.parse import parse_qsl

from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter as QueryKwarg
from litestar.types import ASGIApp, Receive, Scope, Send
from litestar.typing import FieldDefinition
from litestar.utils.signature import ParsedSignature

from app.core.auth.middleware import PUBLIC
from app.core.data.sql.shapes import MAX_SHAPES
from app.core.http.resource.integers import is_integer
from app.core.http.resource.parameters import ParametersProvider, QueryParameter, invalid_parameter

UNKNOWN_PARAMETER: Final = "Unknown query parameter"
MAX_QUERY: Final = 8_000  # bytes
QUERY_TOO_LONG: Final = f"The query is longer than {MAX_QUERY:,} bytes"
_MAX_CACHED: Final = 500  # bytes: the cache has a bounded size


class QueryMiddleware:
    """Refuses unknown and repeated query parameters: a request with a typo must not list all rows.

    An integer has one spelling, as in a path. Public routes accept any parameter, because load balancers add some.
    """

    # A middleware, because a guard costs more: for each guard Litestar copies a handler that is not an `Operation`.

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        query = scope["query_string"]
        if query and not scope["route_handler"].opt.get(PUBLIC):
            check = _check_cached if len(query) <= _MAX_CACHED else _check_query
            check(scope["route_handler"], query)
        return self._app(scope, receive, send)


def _check_query(handler: BaseRouteHandler, query: bytes) -> None:
    described = described_parameters(handler)
    if described and len(query) > MAX_QUERY:
        raise HTTPException(QUERY_TOO_LONG, status_code=HTTPStatus.REQUEST_URI_TOO_LONG)
    known = query_parameters(handler)
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    times = Counter(name for name, _ in pairs)
    for name, value in pairs:
        if name not in known and name not in described:
            raise invalid_parameter(name, UNKNOWN_PARAMETER)
        if times[name] > 1 and not (name in described and described[name].is_repeatable):
            raise invalid_parameter(name, "Send this parameter only once")
        if name in known:
            _check_declared(name, known[name], value)


_check_cached = lru_cache(MAX_SHAPES)(_check_query)


def _check_declared(name: str, field: FieldDefinition, value: str) -> None:
    if _is_integer(field) and not is_integer(value):
        raise invalid_parameter(name, "Send an integer in decimal digits")
    if value.lower() == "null" and not _takes_text(field):  # msgspec reads it as None
        raise invalid_parameter(name, "Leave this parameter out; it cannot be null")


@cache
def described_parameters(handler: BaseRouteHandler) -> Mapping[str, QueryParameter]:
    """Return the parameters that the dependencies of a handler describe, by name."""
    used = _dependencies(handler.parsed_fn_signature, handler.resolve_dependencies())
    sources = [each.parameters_of() for each in used if isinstance(each, ParametersProvider)]
    return {name: parameter for source in sources for name, parameter in source.items()}


@cache
def query_parameters(handler: BaseRouteHandler) -> Mapping[str, FieldDefinition]:
    """Return the query parameters in the signatures of a handler and its dependencies, by name."""
    used = _dependencies(handler.parsed_fn_signature, handler.resolve_dependencies())
    signatures = (handler.parsed_fn_signature, *(each.parsed_fn_signature for each in used))
    fields = [field for signature in signatures for field in signature.parameters.values()]
    found = ((field.kwarg_definition, field) for field in fields)
    return {kind.name or field.name: field for kind, field in found if isinstance(kind, QueryKwarg)}


def _is_integer(field: FieldDefinition) -> bool:
    return {part.annotation for part in field.inner_types or (field,)} - {NoneType} == {int}


def _takes_text(field: FieldDefinition) -> bool:
    return any(part.annotation is str for part in (field, *field.inner_types))


def _dependencies(signature: ParsedSignature, dependencies: Mapping[str, Provide]) -> Iterator[Provide]:
    # Only those that the handler uses: a controller has more.
    for name in signature.parameters.keys() & dependencies.keys():
        yield dependencies[name]
        yield from _dependencies(dependencies[name].parsed_fn_signature, dependencies)
