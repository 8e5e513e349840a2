"""Errors: every one becomes `{"detail": "<one sentence>"}` here, and a 422 says in `errors` what is wrong where.

Nothing that was sent, no SQL, no class and no path is repeated to the client; the log has what the operator needs.
"""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from advanced_alchemy.exceptions import NotFoundError, RepositoryError
from litestar import Request, Response
from litestar.enums import ParamType
from litestar.exceptions import HTTPException, MethodNotAllowedException, ValidationException
from litestar.types import ExceptionHandlersMap, Send
from msgspec import UNSET, Meta, Struct, UnsetType
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from app.core.data.connection.violations import refused_columns, refused_rule
from app.core.data.errors import Failure, FieldsReadOnly, OutcomeUnknown, OwnerBusy, RowChanged, RowNotFound, classify
from app.core.http.methods import allow
from app.core.http.tags import tag_of
from app.core.http.validation import first_errors

logger = logging.getLogger(__name__)

RETRY_AFTER: Final = {"Retry-After": "1"}  # seconds
_RETRY_LATER: Final = {"Retry-After": "30"}  # what took too long will do so again, and keep others waiting
_UNAVAILABLE: Final = {
    Failure.AWAY: "The database is not available",
    Failure.BUSY: "The database is busy with other requests; try again",
    Failure.READ_ONLY: "The database takes no changes now",
    Failure.SLOW: "This takes the database too long; ask for less, or try again later",
}
_FAILED: Final = "Internal server error"
REFERRED_TO: Final = "Something else still refers to this"
_MOST_ERRORS: Final = 20  # a body of a thousand unknown fields is not worth a thousand entries
_LONGEST_NAME: Final = 100


class FieldError(Struct):
    """One thing that is wrong with the input."""

    loc: Annotated[
        list[str | int],
        Meta(
            description="Where: `body`, `query`, `header` or `request`, then the field.", examples=[["body", "title"]]
        ),
    ]
    msg: Annotated[str, Meta(description="For people.", examples=["String should have at most 200 characters"])]
    type: Annotated[str, Meta(description="For programs.", examples=["string_too_long"])]


class Problem(Struct):
    """What every error looks like."""

    detail: Annotated[str, Meta(description="What is wrong, in one sentence.")]
    errors: Annotated[
        list[FieldError] | UnsetType,
        Meta(description="Each thing that is wrong, and where: with every 422, and with a 409 that is about fields."),
    ] = UNSET


AnyRequest = Request[Any, Any, Any]


def error_response(status: int, detail: str, headers: dict[str, str] | None = None) -> Response[Problem]:
    """Return an error in the one form."""
    return Response(Problem(detail), status_code=status, headers=headers, media_type="application/json")


async def send_error(send: Send, status: int, detail: str) -> None:
    """Send an error in the one form from where there is no request that a Response could belong to."""
    body = msgspec.json.encode(Problem(detail))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def invalid_input(errors: Sequence[FieldError], count: int | None = None) -> Response[Problem]:
    """Return a 422 whose sentence is the first of the errors; `count` says how many there are, where more are."""
    return Response(_naming(errors, count), status_code=HTTPStatus.UNPROCESSABLE_ENTITY, media_type="application/json")


def clash_of(columns: Sequence[str]) -> Problem:
    """Return the error that names the fields which are to be unique; it says nothing of the row that has the values."""
    if not columns:
        return Problem("This conflicts with what is stored already")
    message = f"There is one with {'this value' if len(columns) == 1 else 'these values'} already"
    return _naming([FieldError(["body", column], message, "unique") for column in columns])


def _naming(errors: Sequence[FieldError], count: int | None = None) -> Problem:
    first, others = errors[0], (count or len(errors)) - 1
    name = ".".join(map(str, first.loc[1:])) or str(first.loc[0])
    detail = f"{name}: {first.msg}" + (f" (+{others} more)" if others else "")
    return Problem(detail, list(errors[:_MOST_ERRORS]))


def _on_body(_: AnyRequest, error: ValidationError) -> Response[Problem]:
    errors = [
        FieldError(["body", *map(_short, found.loc)], found.msg, found.type)
        for found in first_errors(error, _MOST_ERRORS)
    ]
    return invalid_input(errors, error.error_count())


def _on_parameters(_: AnyRequest, error: ValidationException) -> Response[Problem]:
    """Litestar's own validation: of query, header and path, and of a body that is not there at all."""
    found = error.extra if isinstance(error.extra, list) else []
    if not found or any(e.get("key") == "data" for e in found):
        return invalid_input([FieldError(["body"], "Send a JSON object", "missing")])
    return invalid_input([FieldError([_place(e), e["key"]], e["message"], "value_error") for e in found])


def _on_http(_: AnyRequest, error: HTTPException) -> Response[Problem]:
    if error.status_code == HTTPStatus.BAD_REQUEST:  # the guide has one status for invalid input
        return invalid_input([FieldError(["request"], error.detail, "invalid")])
    headers = dict(error.headers or {})
    if isinstance(error, MethodNotAllowedException):
        headers = {name: allow(value.split(", ")) for name, value in headers.items()}
    return error_response(error.status_code, error.detail, headers)


def _on_missing_row(_: AnyRequest, error: RowNotFound) -> Response[Problem]:
    return error_response(HTTPStatus.NOT_FOUND, str(error))


def _on_changed_row(_: AnyRequest, error: RowChanged) -> Response[Problem]:
    return error_response(HTTPStatus.PRECONDITION_FAILED, str(error), tag_of(error.row))


def _on_busy_owner(_: AnyRequest, error: OwnerBusy) -> Response[Problem]:
    return error_response(HTTPStatus.TOO_MANY_REQUESTS, str(error), RETRY_AFTER)


def _on_read_only(_: AnyRequest, error: FieldsReadOnly) -> Response[Problem]:
    message = "This is set by the server; leave it out, or send it back as it is"
    return invalid_input([FieldError(["body", name], message, "read_only") for name in error.names])


def _on_database(request: AnyRequest, error: SQLAlchemyError) -> Response[Problem]:
    match classify(error):
        case Failure.CLASH:
            body = clash_of(refused_columns(error))
            return Response(body, status_code=HTTPStatus.CONFLICT, media_type="application/json")
        case Failure.REFERRED_TO:
            return error_response(HTTPStatus.CONFLICT, REFERRED_TO)
        case Failure.REFERENCE:  # to a row of somebody else's, or to none: nobody can tell apart which
            places = [["body", column] for column in refused_columns(error)] or [["body"]]
            message = "This refers to something that does not exist"
            return invalid_input([FieldError([*place], message, "reference") for place in places])
        case Failure.INVALID | Failure.RULE as failure:
            return _let_pass(request, failure, error)
        case Failure.AWAY | Failure.BUSY | Failure.READ_ONLY | Failure.SLOW as failure:
            logger.error("%s: the database is %s: %s", _called(request), failure.value, in_one_line(error))
            headers = _RETRY_LATER if failure is Failure.SLOW else RETRY_AFTER
            return error_response(HTTPStatus.SERVICE_UNAVAILABLE, _UNAVAILABLE[failure], headers)
    return _on_bug(request, error)


def _let_pass(request: AnyRequest, failure: Failure, error: SQLAlchemyError) -> Response[Problem]:
    """Answer where the database refuses what validation should have refused: that is our bug, and needs an alarm.

    A value that cannot be stored is still the client's to change. A rule of the table may be unknown to this version.
    """
    logger.error("%s: the database refuses what validation let pass: %s", _called(request), refused_rule(error))
    if failure is Failure.RULE:
        return error_response(HTTPStatus.INTERNAL_SERVER_ERROR, _FAILED)
    return invalid_input([FieldError(["body"], "The database cannot store this", "value_error")])


def _on_unknown_outcome(request: AnyRequest, error: OutcomeUnknown) -> Response[Problem]:
    logger.error("%s: the connection to the database broke while it was storing", _called(request))
    return error_response(HTTPStatus.SERVICE_UNAVAILABLE, str(error), RETRY_AFTER)


def _on_repository(request: AnyRequest, error: RepositoryError) -> Response[Problem]:
    """advanced-alchemy calls nearly everything an integrity error; what happened is in its cause."""
    if isinstance(error, NotFoundError):
        return error_response(HTTPStatus.NOT_FOUND, "Not Found")
    cause = error.__cause__
    return _on_database(request, cause) if isinstance(cause, SQLAlchemyError) else _on_bug(request, error)


def _on_bug(request: AnyRequest, error: Exception) -> Response[Problem]:
    logger.error("%s failed", _called(request), exc_info=error)
    return error_response(HTTPStatus.INTERNAL_SERVER_ERROR, _FAILED)


def _called(request: AnyRequest) -> str:
    """Method and path for the log; still percent-encoded, so that nobody can write a line of their own."""
    return f"{request.method} {request.scope['raw_path'].decode('latin-1')}"


def in_one_line(error: SQLAlchemyError) -> str:
    """Return what the driver says, without the statement, its values and the row, which hold what users wrote."""
    cause = getattr(error, "orig", None) or error
    said = getattr(getattr(cause, "diag", None), "message_primary", None)
    return " ".join(str(said or cause).split())


def _place(entry: dict[str, Any]) -> str:
    return ParamType(entry.get("source", ParamType.QUERY)).value


def _short(part: str | int) -> str | int:
    return part[:_LONGEST_NAME] if isinstance(part, str) else part


EXCEPTION_HANDLERS: Final[ExceptionHandlersMap] = {
    ValidationError: _on_body,
    ValidationException: _on_parameters,
    HTTPException: _on_http,
    RowNotFound: _on_missing_row,
    RowChanged: _on_changed_row,
    FieldsReadOnly: _on_read_only,
    OwnerBusy: _on_busy_owner,
    OutcomeUnknown: _on_unknown_outcome,
    RepositoryError: _on_repository,
    SQLAlchemyError: _on_database,
    Exception: _on_bug,
}
