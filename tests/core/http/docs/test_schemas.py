"""Schemas: of what Litestar, pydantic and msgspec say, what OpenAPI and a client can use."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from litestar import Litestar, get
from litestar.params import QueryParameter
from pydantic import BaseModel, ConfigDict, Field

from app.core.http.docs.document import document_of
from app.core.http.docs.schemas import ExactIntegers, body_schemas, struct_schemas, tidied


class Colour(StrEnum):
    RED = "red"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: int = Field(default=7, ge=0)


class Outer(BaseModel):
    inner: Inner
    maybe: Inner | None = None
    several: list[Inner] | None = None
    colour: Colour | None = None


class Counted(msgspec.Struct):
    big: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    small: Annotated[int, msgspec.Meta(gt=-1, lt=500)]
    maybe: int | None
    flag: bool


def with_parameter(annotation: Any, **limits: Any) -> dict[str, Any]:
    """Return the schema of a query parameter that may be left out."""

    @get("/", sync_to_thread=False)
    def read(it: Annotated[annotation, QueryParameter(**limits)] = None) -> Counted:
        """Read."""
        raise NotImplementedError

    (parameter,) = document_of(Litestar([read], plugins=[ExactIntegers()]))["paths"]["/"]["get"]["parameters"]
    return dict(parameter["schema"])


@pytest.mark.parametrize(
    ("annotation", "limits", "expected"),
    [
        (int | None, {"ge": 0, "le": 9}, {"type": "integer", "minimum": 0, "maximum": 9}),
        (int | None, {}, {"type": "integer", "format": "int64"}),
        (str | None, {"max_length": 5}, {"type": "string", "maxLength": 5}),
        (Literal["a", "b"] | None, {}, {"type": "string", "enum": ["a", "b"]}),
        (Colour | None, {}, {"$ref": "#/components/schemas/Colour"}),
        (list[int] | None, {}, {"type": "array", "items": {"type": "integer", "format": "int64"}}),
        (bool | None, {}, {"type": "boolean"}),
    ],
)
def test_a_parameter_that_may_be_left_out_is_not_null(
    annotation: Any, limits: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert with_parameter(annotation, **limits) == expected


def test_the_limits_of_integers_are_kept_to_the_unit() -> None:
    @get("/", sync_to_thread=False)
    def read() -> Counted:
        """Read."""
        raise NotImplementedError

    document = document_of(Litestar([read], plugins=[ExactIntegers()]))
    fields = document["components"]["schemas"]["Counted"]["properties"]
    assert fields["big"] == {"type": "integer", "format": "int64", "minimum": 0, "maximum": 2**63 - 1}
    assert (fields["small"]["exclusiveMinimum"], fields["small"]["exclusiveMaximum"]) == (-1, 500)
    assert fields["maybe"] == {"type": ["integer", "null"], "format": "int64"}
    assert fields["flag"] == {"type": "boolean"}


def test_a_body_is_described_with_what_is_in_it() -> None:
    names, schemas = body_schemas([Outer])
    outer = schemas[names[Outer]]["properties"]
    inner = {"$ref": "#/components/schemas/Inner"}

    assert names == {Outer: "Outer"}
    assert schemas["Inner"]["additionalProperties"] is False
    assert schemas["Inner"]["properties"]["number"]["description"] == "The default is `7`."
    assert outer["inner"] == inner
    assert outer["maybe"] == {"anyOf": [inner, {"type": "null"}]}
    assert outer["several"] == {"type": ["array", "null"], "items": inner}
    assert schemas["Colour"]["type"] == "string"


def test_a_struct_is_described_with_what_is_in_it() -> None:
    assert struct_schemas(Counted)["Counted"]["required"] == ["big", "small", "maybe", "flag"]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"oneOf": [{"type": "string"}]}, {"type": "string"}),
        ({"oneOf": [{"type": "string"}, {"type": "null"}], "title": "A"}, {"type": ["string", "null"], "title": "A"}),
        ({"allOf": [{"$ref": "#/x"}], "description": "A"}, {"$ref": "#/x", "description": "A"}),
        ({"oneOf": [{"$ref": "#/x"}, {"type": "null"}]}, {"anyOf": [{"$ref": "#/x"}, {"type": "null"}]}),
        ({"items": {"oneOf": [{"type": "string"}]}}, {"items": {"type": "string"}}),
        ({"oneOf": [{"type": "string"}, {"type": "boolean"}]}, {"oneOf": [{"type": "string"}, {"type": "boolean"}]}),
        ({"properties": {"oneOf": {"type": "string"}}}, {"properties": {"oneOf": {"type": "string"}}}),
        ({"type": "integer", "maximum": 2**31}, {"type": "integer", "maximum": 2**31, "format": "int64"}),
        ({"type": "integer", "minimum": 0, "maximum": 9}, {"type": "integer", "minimum": 0, "maximum": 9}),
    ],
)
def test_alternatives_that_are_none_are_gone(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert tidied(schema) == expected
