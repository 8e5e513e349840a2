"""The body of all errors: `{"detail": "<one sentence>"}`; a 422 lists the invalid fields in `errors`."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from litestar import Response
from litestar.types import Send
from msgspec import UNSET, Meta, Struct, UnsetType

NOT_FOUND: Final = "Not Found"
INTERNAL_ERROR: Final = "Internal server error"
ONE_PER_OWNER: Final = "You have one already; change it, or delete it first"
REFERRED_TO: Final = "Other rows still refer to this one"
TOO_LONG: Final = "String should have at most 200 characters"  # pydantic's, for examples
MAX_ERRORS: Final = 20  # in one 422; a body may have a thousand unknown fields


class FieldError(Struct):
    """One error in the input."""

    loc: Annotated[
        list[str | int],
        Meta(
            description="`body`, `query`, `header` or `request`, then the name of the field.",
            examples=[["body", "title"]],
        ),
    ]
    msg: Annotated[str, Meta(description="The error in words.", examples=[TOO_LONG])]
    type: Annotated[str, Meta(description="The error as a code.", examples=["string_too_long"])]


class Problem(Struct):
    """The body of every error response."""

    detail: Annotated[str, Meta(description="The error in one sentence.")]
    errors: Annotated[
        list[FieldError] | UnsetType,
        Meta(description="The errors by field: in every 422, and in a 409 about fields."),
    ] = UNSET


def error_response(status: int, detail: str, headers: dict[str, str] | None = None) -> Response[Problem]:
    """Return an error response."""
    return Response(Problem(detail), status_code=status, headers=headers, media_type="application/json")


async def send_error(send: Send, status: int, detail: str) -> None:
    """Send an error response from a middleware outside of the router."""
    body = msgspec.json.encode(Problem(detail))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def invalid_input(errors: Sequence[FieldError], count: int | None = None) -> Response[Problem]:
    """Return a 422. `count` is the number of all errors; `detail` has the first one and the number of the others."""
    return Response(
        problem_of(errors, count), status_code=HTTPStatus.UNPROCESSABLE_ENTITY, media_type="application/json"
    )


def unique_conflict(columns: Sequence[str]) -> Problem:
    """Return the error for fields that must be unique. It tells nothing about the other row."""
    if not columns:
        return Problem("This conflicts with another row")
    message = f"Another row already has {'this value' if len(columns) == 1 else 'these values'}"
    return problem_of([FieldError(["body", column], message, "unique") for column in columns])


def problem_of(errors: Sequence[FieldError], count: int | None = None) -> Problem:
    """Return the error for these fields; `count` is as in `invalid_input`."""
    first, others = errors[0], (count or len(errors)) - 1
    name = ".".join(map(str, first.loc[1:])) or str(first.loc[0])
    detail = f"{name}: {first.msg}" + (f" (+{others} more)" if others else "")
    return Problem(detail, list(errors[:MAX_ERRORS]))
