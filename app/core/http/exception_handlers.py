"""Exception handlers: each exception becomes an error response.

It never has a sent value, SQL, a class name or a file path. The log has the details.
"""

import logging
from http import HTTPStatus
from typing import Any, Final

from advanced_alchemy.exceptions import NotFoundError, RepositoryError
from litestar import Request, Response
from litestar.enums import ParamType
from litestar.exceptions import HTTPException, MethodNotAllowedException, ValidationException
from litestar.types import ExceptionHandlersMap
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from app.core.data.connection.failures import Failure, classify
from app.core.data.connection.violations import violated_columns, violated_constraint, violates_one_per_owner
from app.core.data.errors import FieldsReadOnly, OutcomeUnknown, OwnerBusy, RowChanged, RowNotFound, SumTooLarge
from app.core.http.body.validation import first_errors
from app.core.http.edge.options_requests import allow
from app.core.http.problems import (
    INTERNAL_ERROR,
    MAX_ERRORS,
    NOT_FOUND,
    ONE_PER_OWNER,
    REFERRED_TO,
    FieldError,
    Problem,
    error_response,
    invalid_input,
    unique_conflict,
)
from app.core.http.resource.etags import etag_header

logger = logging.getLogger(__name__)

RETRY_AFTER: Final = {"Retry-After": "1"}  # seconds
_RETRY_LATER: Final = {"Retry-After": "30"}  # a slow request is slow again, and other requests wait for it
UNAVAILABLE: Final = {
    Failure.AWAY: "The database is not available; try again",
    Failure.BUSY: "The database is busy with other requests; try again",
    Failure.READ_ONLY: "The database accepts no changes at the moment; try again later",
    Failure.SLOW: "The database takes too long for this request; ask for less, or try again later",
}
_MAX_NAME_LENGTH: Final = 100


AnyRequest = Request[Any, Any, Any]


def _on_body(_: AnyRequest, error: ValidationError) -> Response[Problem]:
    errors = [
        FieldError(["body", *map(_truncate, found.loc)], found.msg, found.type)
        for found in first_errors(error, MAX_ERRORS)
    ]
    return invalid_input(errors, error.error_count())


def _on_parameters(_: AnyRequest, error: ValidationException) -> Response[Problem]:
    # Litestar validates the query, the headers and the path, and raises this for a missing body too.
    found = error.extra if isinstance(error.extra, list) else []
    if not found or any(e.get("key") == "data" for e in found):
        return invalid_input([FieldError(["body"], "Send a JSON object", "missing")])
    return invalid_input([FieldError([_location(e), e["key"]], e["message"], "value_error") for e in found])


def _on_http(_: AnyRequest, error: HTTPException) -> Response[Problem]:
    if error.status_code == HTTPStatus.BAD_REQUEST:  # any invalid input is a 422
        return invalid_input([FieldError(["request"], error.detail, "invalid")])
    headers = dict(error.headers or {})
    if isinstance(error, MethodNotAllowedException):
        headers = {name: allow(value.split(", ")) for name, value in headers.items()}
    return error_response(error.status_code, error.detail, headers)


def _on_missing_row(_: AnyRequest, error: RowNotFound) -> Response[Problem]:
    return error_response(HTTPStatus.NOT_FOUND, str(error))


def _on_changed_row(_: AnyRequest, error: RowChanged) -> Response[Problem]:
    return error_response(HTTPStatus.PRECONDITION_FAILED, str(error), etag_header(error.row))


def _on_busy_owner(_: AnyRequest, error: OwnerBusy) -> Response[Problem]:
    return error_response(HTTPStatus.TOO_MANY_REQUESTS, str(error), RETRY_AFTER)


def _on_read_only(_: AnyRequest, error: FieldsReadOnly) -> Response[Problem]:
    message = "The server sets this field; leave it out, or send its current value"
    return invalid_input([FieldError(["body", name], message, "read_only") for name in error.names])


def _on_large_sum(_: AnyRequest, error: SumTooLarge) -> Response[Problem]:
    return invalid_input([FieldError(["query"], str(error), "sum_too_large")])


def _on_database(request: AnyRequest, error: SQLAlchemyError) -> Response[Problem]:
    match classify(error):
        case Failure.CLASH:
            is_second = violates_one_per_owner(error)
            body = Problem(ONE_PER_OWNER) if is_second else unique_conflict(violated_columns(error))
            return Response(body, status_code=HTTPStatus.CONFLICT, media_type="application/json")
        case Failure.REFERRED_TO:
            return error_response(HTTPStatus.CONFLICT, REFERRED_TO)
        case Failure.REFERENCE:  # the same answer for a missing row and for a row of another user
            places = [["body", column] for column in violated_columns(error)] or [["body"]]
            message = "The row that this refers to does not exist"
            return invalid_input([FieldError([*place], message, "reference") for place in places])
        case Failure.INVALID | Failure.RULE as failure:
            return _on_missed_validation(request, failure, error)
        case Failure.AWAY | Failure.BUSY | Failure.READ_ONLY | Failure.SLOW as failure:
            logger.error("%s: the database is %s: %s", _request_line(request), failure.value, in_one_line(error))
            headers = _RETRY_LATER if failure is Failure.SLOW else RETRY_AFTER
            return error_response(HTTPStatus.SERVICE_UNAVAILABLE, UNAVAILABLE[failure], headers)
    return _on_bug(request, error)


def _on_missed_validation(request: AnyRequest, failure: Failure, error: SQLAlchemyError) -> Response[Problem]:
    # A bug of this program. The client can change a value that cannot be stored (422), but not fix a constraint (500).
    logger.error(
        "%s: the database refuses a value that validation accepted: %s",
        _request_line(request),
        violated_constraint(error),
    )
    if failure is Failure.RULE:
        return error_response(HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL_ERROR)
    return invalid_input([FieldError(["body"], "The database cannot store a value of this body", "value_error")])


def _on_unknown_outcome(request: AnyRequest, error: OutcomeUnknown) -> Response[Problem]:
    logger.error("%s: the connection to the database was lost during a write", _request_line(request))
    return error_response(HTTPStatus.SERVICE_UNAVAILABLE, str(error), RETRY_AFTER)


def _on_repository(request: AnyRequest, error: RepositoryError) -> Response[Problem]:
    if isinstance(error, NotFoundError):
        return error_response(HTTPStatus.NOT_FOUND, NOT_FOUND)
    cause = error.__cause__  # advanced-alchemy raises IntegrityError for nearly all errors of the database
    return _on_database(request, cause) if isinstance(cause, SQLAlchemyError) else _on_bug(request, error)


def _on_bug(request: AnyRequest, error: Exception) -> Response[Problem]:
    logger.error("%s failed", _request_line(request), exc_info=error)
    return error_response(HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL_ERROR)


def _request_line(request: AnyRequest) -> str:
    # The path is percent-encoded, so it cannot add a line to the log.
    return f"{request.method} {request.scope['raw_path'].decode('latin-1')}"


def in_one_line(error: SQLAlchemyError) -> str:
    """Return the driver's message without the data of users: no statement, no parameters, no row."""
    cause = getattr(error, "orig", None) or error
    said = getattr(getattr(cause, "diag", None), "message_primary", None)
    return " ".join(str(said or cause).split())


def _location(entry: dict[str, Any]) -> str:
    return ParamType(entry.get("source", ParamType.QUERY)).value


def _truncate(part: str | int) -> str | int:
    return part[:_MAX_NAME_LENGTH] if isinstance(part, str) else part


EXCEPTION_HANDLERS: Final[ExceptionHandlersMap] = {
    ValidationError: _on_body,
    ValidationException: _on_parameters,
    HTTPException: _on_http,
    RowNotFound: _on_missing_row,
    RowChanged: _on_changed_row,
    FieldsReadOnly: _on_read_only,
    SumTooLarge: _on_large_sum,
    OwnerBusy: _on_busy_owner,
    OutcomeUnknown: _on_unknown_outcome,
    RepositoryError: _on_repository,
    SQLAlchemyError: _on_database,
    Exception: _on_bug,
}
