"""Problems: the one form of every error, `{"detail": "<one sentence>"}`; a 422 says in `errors` what is wrong where."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from litestar import Response
from litestar.types import Send
from msgspec import UNSET, Meta, Struct, UnsetType

NOT_FOUND: Final = "Not Found"
INTERNAL_ERROR: Final = "Internal server error"
REFERRED_TO: Final = "Something else still refers to this"
MAX_ERRORS: Final = 20  # a body of a thousand unknown fields is not worth a thousand entries


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
    return Problem(detail, list(errors[:MAX_ERRORS]))
