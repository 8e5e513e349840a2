"""Hooks of schemathesis: which valid requests may be refused, because a schema cannot express the rule."""

from typing import Any, Final
from zlib import crc32

import schemathesis
from schemathesis.specs.openapi.checks import positive_data_acceptance

RULES: Final = (
    "The row that this refers to does not exist",
    "Send at most 10 conditions",
    "Send each name only once",
    "Send 1 to 5 words",
    "Send the IANA name of a time zone",
)
POSITIONS: Final = {"after", "before", "offset"}  # they exclude each other, and a cursor belongs to a list
FEW: Final = 4  # parameters; more conditions than ten are refused, and a list has forty


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Leave out `fields`: its rows lack required properties, which a document cannot express."""
    for path in raw_schema["paths"].values():
        for operation in path.values():
            parameters = operation.get("parameters", [])
            parameters[:] = [parameter for parameter in parameters if parameter["name"] != "fields"]


@schemathesis.hook
def filter_body(context: Any, body: Any) -> bool:
    """Leave out `2.0` for an integer: a schema allows it, but no JavaScript writes it."""
    values = body.values() if isinstance(body, dict) else ()
    return not any(isinstance(value, float) and value.is_integer() for value in values)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Keep a few of the query parameters of a valid request, and the one that is tried."""
    if not case.meta or not case.meta.generation.mode.is_positive or not case.query:
        return
    tried = getattr(case.meta.phase.data, "parameter", None)
    names = sorted(case.query, key=lambda name: (name != tried, crc32(f"{name}{case.query[name]}".encode())))
    case.query = {name: case.query[name] for name in names[:FEW]}


@schemathesis.check
def valid_request_acceptance(ctx: Any, response: Any, case: Any) -> bool | None:
    """The check of schemathesis, without the answers that depend on the rows that are there, or on RULES."""
    if response.status_code in {412, 414}:
        return None
    errors = response.json().get("errors", []) if response.status_code == 422 else []
    if errors and all(error["msg"].startswith(RULES) or error["loc"][-1] in POSITIONS for error in errors):
        return None
    return positive_data_acceptance(ctx, response, case)
