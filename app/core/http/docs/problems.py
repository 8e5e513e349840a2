"""The errors in the document: which of them an operation can answer, and one shared description of each."""

from typing import Any, Final, NamedTuple

from litestar.handlers import BaseRouteHandler

from app.core.auth.middleware import PUBLIC
from app.core.http.probes import PROBE


class DocumentedError(NamedTuple):
    """The name of an error response, what it means, the bodies that come with it, and its headers."""

    name: str
    description: str
    examples: dict[str, dict[str, Any]]
    headers: dict[str, dict[str, Any]] = {}  # noqa: RUF012  # shared, and never changed


def _said(detail: str) -> dict[str, dict[str, Any]]:
    return {"error": {"detail": detail}}


_CHALLENGE: Final = {"WWW-Authenticate": {"description": "`Bearer` (RFC 6750).", "schema": {"type": "string"}}}
_LATER: Final = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0, "maximum": 86_400}},
}
_INVALID: Final = {
    "body": {
        "detail": "title: String should have at most 200 characters",
        "errors": [
            {
                "loc": ["body", "title"],
                "msg": "String should have at most 200 characters",
                "type": "string_too_long",
            }
        ],
    },
    "query": {
        "detail": "colour: Unknown query parameter",
        "errors": [{"loc": ["query", "colour"], "msg": "Unknown query parameter", "type": "value_error"}],
    },
}

ERRORS: Final = {
    401: DocumentedError("Unauthorized", "There is no valid token.", _said("Invalid or expired token"), _CHALLENGE),
    404: DocumentedError("NotFound", "There is no such row, or it is somebody else's.", _said("Not Found")),
    412: DocumentedError(
        "PreconditionFailed",
        "The row is not in the state that `If-Match` names.",
        _said("It was changed meanwhile; read it again before you change it"),
    ),
    413: DocumentedError("ContentTooLarge", "The body is too large.", _said("Request Entity Too Large")),
    415: DocumentedError(
        "UnsupportedMediaType",
        "The body is not sent as JSON.",
        _said("Send the body as JSON, with Content-Type: application/json"),
    ),
    422: DocumentedError("UnprocessableContent", "The input is invalid; `errors` says where.", _INVALID),
    429: DocumentedError(
        "TooManyRequests",
        "There were too many requests, or too many at once.",
        {
            "too many": {"detail": "Too many requests; try again in 12 s"},
            "at once": {
                "detail": "You send too many requests at the same time; wait for the responses before you send more"
            },
        },
        _LATER,
    ),
    500: DocumentedError(
        "InternalServerError",
        "Something failed that should not have failed; it is logged.",
        _said("Internal server error"),
    ),
    503: DocumentedError(
        "ServiceUnavailable",
        "The database, or what is needed to check tokens, cannot be used now.",
        _said("The database is not available"),
        _LATER,
    ),
}


def statuses_of(operation: dict[str, Any], handler: BaseRouteHandler) -> list[int]:
    """Return the errors that the operation can answer, besides those that its handler declares."""
    is_limited = not handler.opt.get(PROBE)
    if handler.opt.get(PUBLIC):
        return [*([429] if is_limited else []), 500]
    parameters = operation.get("parameters", [])
    has_body = "requestBody" in operation
    asked = {
        404: any(parameter["in"] == "path" for parameter in parameters),
        412: any(parameter["name"] == "If-Match" for parameter in parameters),
        413: has_body,
        415: has_body,
        429: is_limited,
    }
    # 422 always: every private operation refuses a query parameter that it does not have.
    return sorted([401, *(status for status, is_answered in asked.items() if is_answered), 422, 500, 503])


def reference_to(status: int) -> dict[str, str]:
    """Return a reference to the shared description of an error."""
    return {"$ref": f"#/components/responses/{ERRORS[status].name}"}


def shared_response(status: int) -> dict[str, Any]:
    """Return what the document says of an error status."""
    error = ERRORS[status]
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if len(error.examples) == 1:
        (content["example"],) = error.examples.values()
    else:
        content["examples"] = {name: {"value": value} for name, value in error.examples.items()}
    headers = {"headers": error.headers} if error.headers else {}
    return {"description": error.description, **headers, "content": {"application/json": content}}
