"""The error responses in the document: one shared description each, and the operations that can have them."""

from typing import Any, Final, NamedTuple

import msgspec
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import BaseRouteHandler

from app.core.auth.middleware import PUBLIC, UNAUTHORIZED
from app.core.data.connection.failures import Failure
from app.core.data.errors import OwnerBusy, RowChanged
from app.core.http.body.media import NOT_JSON
from app.core.http.exception_handlers import UNAVAILABLE
from app.core.http.probes import PROBE
from app.core.http.problems import INTERNAL_ERROR, NOT_FOUND, TOO_LONG, FieldError, problem_of
from app.core.http.rate_limit.limit import too_many_requests
from app.core.http.resource.query import QUERY_TOO_LONG, UNKNOWN_PARAMETER, described_parameters


class DocumentedError(NamedTuple):
    """An error response: its name, its meaning, examples of its body by name, and its headers."""

    name: str
    description: str
    examples: dict[str, dict[str, Any]]
    headers: dict[str, dict[str, Any]] = {}  # noqa: RUF012  # shared, and never changed


def _example(detail: str) -> dict[str, dict[str, Any]]:
    return {"error": {"detail": detail}}


def _field_error(loc: list[str | int], msg: str, type: str) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.to_builtins(problem_of([FieldError(loc, msg, type)]))
    return body


_CHALLENGE: Final = {"WWW-Authenticate": {"description": "`Bearer` (RFC 6750).", "schema": {"type": "string"}}}
_RETRY_AFTER: Final = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0, "maximum": 86_400}},
}
_ROW: Final = type("Row", (), {})

# The examples are the messages themselves, from the modules that send them.
ERRORS: Final = {
    401: DocumentedError("Unauthorized", "There is no valid token.", _example(UNAUTHORIZED), _CHALLENGE),
    404: DocumentedError("NotFound", "The row does not exist, or belongs to another user.", _example(NOT_FOUND)),
    412: DocumentedError(
        "PreconditionFailed",
        "The row no longer has the version in `If-Match`.",
        _example(str(RowChanged(_ROW, None))),
    ),
    413: DocumentedError("ContentTooLarge", "The body is too large.", _example(RequestEntityTooLarge.detail)),
    414: DocumentedError("UriTooLong", "The query is too long.", _example(QUERY_TOO_LONG)),
    415: DocumentedError("UnsupportedMediaType", "The body is not sent as JSON.", _example(NOT_JSON)),
    422: DocumentedError(
        "UnprocessableContent",
        "The input is invalid; `errors` lists the invalid fields.",
        {
            "body": _field_error(["body", "title"], TOO_LONG, "string_too_long"),
            "query": _field_error(["query", "colour"], UNKNOWN_PARAMETER, "value_error"),
        },
    ),
    429: DocumentedError(
        "TooManyRequests",
        "There were too many requests, or too many at the same time.",
        {"too many": {"detail": too_many_requests(12)}, "at the same time": {"detail": str(OwnerBusy())}},
        _RETRY_AFTER,
    ),
    500: DocumentedError("InternalServerError", "An unexpected error, which is logged.", _example(INTERNAL_ERROR)),
    503: DocumentedError(
        "ServiceUnavailable",
        "The database or the keys that verify tokens are not available at the moment.",
        _example(UNAVAILABLE[Failure.AWAY]),
        _RETRY_AFTER,
    ),
}


def statuses_of(operation: dict[str, Any], handler: BaseRouteHandler) -> list[int]:
    """Return the documented error statuses of an operation, except 409."""
    is_limited = not handler.opt.get(PROBE)
    if handler.opt.get(PUBLIC):
        return [*([429] if is_limited else []), 500]
    parameters = operation.get("parameters", [])
    has_body = "requestBody" in operation
    found = {
        404: any(parameter["in"] == "path" for parameter in parameters),
        412: any(parameter["name"] == "If-Match" for parameter in parameters),
        413: has_body,
        414: bool(described_parameters(handler)),
        415: has_body,
        429: is_limited,
    }
    # Always a 422: every private operation refuses unknown query parameters.
    return sorted([401, *(status for status, is_answered in found.items() if is_answered), 422, 500, 503])


def reference_to(status: int) -> dict[str, str]:
    """Return a reference to the shared description of an error."""
    return {"$ref": f"#/components/responses/{ERRORS[status].name}"}


def shared_response(status: int) -> dict[str, Any]:
    """Return the shared description of an error."""
    error = ERRORS[status]
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if len(error.examples) == 1:
        (content["example"],) = error.examples.values()
    else:
        content["examples"] = {name: {"value": value} for name, value in error.examples.items()}
    headers = {"headers": error.headers} if error.headers else {}
    return {"description": error.description, **headers, "content": {"application/json": content}}
