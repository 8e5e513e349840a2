"""Buildings with shelves, on which books stand: their tables, schemas and controllers."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from annotated_types import MaxLen
from sqlalchemy import JSON, Index, String
from sqlalchemy import text as sql
from sqlmodel import Field

from app.core.data.tables import (
    UUID,
    Day,
    Fields,
    FiniteFloat,
    Instant,
    NonBlankText,
    Owned,
    PlainText,
    RowId,
    SafeInt,
    Timestamped,
    choice,
    day,
    instant,
    integer,
    number,
    ref,
    text,
    unique,
    uuid,
)
from app.core.http.body.dto import CreateSchema, UpdateSchema
from app.core.http.resource.controller import ResourceController


class State(StrEnum):
    """What a book looks like."""

    NEW = "as new"
    WORN = "worn"


class SampleBuildingFields(Fields):
    """What a user says about one of the buildings."""

    name: NonBlankText = text("What it is called.", max_length=50)


class SampleBuilding(SampleBuildingFields, Owned, table=True):
    """One of a user's buildings."""

    __tablename__ = "sample_buildings"


class SampleShelfFields(Fields):
    """What a user says about one of the shelves."""

    name: NonBlankText = text("What it is called.", max_length=50)
    room: NonBlankText | None = text("Where it is.", max_length=50)
    place: SafeInt | None = integer("Its place in the room.")
    code: NonBlankText | None = None
    building_id: RowId | None = ref("sample_buildings", "The building that it is in.", on_delete="cascade")
    label_on_the_left_hand_side: NonBlankText | None = None
    label_on_the_right_hand_side: NonBlankText | None = None


class SampleShelf(Timestamped, SampleShelfFields, Owned, table=True):
    """One of a user's shelves."""

    __tablename__ = "sample_shelves"
    __indexes__ = (
        unique("name"),
        unique("label_on_the_left_hand_side", "label_on_the_right_hand_side"),
        Index(None, "user_id", "room", "place", unique=True),
        Index("ux_sample_shelves_code", "user_id", sql("lower(code)"), unique=True),
    )


class SampleBookFields(Fields):
    """What a user says about one of the books."""

    title: NonBlankText = text("What it is called.", max_length=200)
    summary: PlainText | None = text("What it is about.", max_length=5000)
    pages: SafeInt = integer("How many pages it has.")
    rating: FiniteFloat | None = number("How good it is.", ge=0, le=5)
    weight: FiniteFloat = number("How heavy it is.", default=0.5)
    printed: Day | None = day("When it was printed.")
    lent_at: Instant | None = instant("When it was lent.")
    isbn: UUID | None = uuid("By which number it is known.")
    is_signed: bool = False
    state: State = choice("What it looks like.", default=State.NEW)
    kind: Literal["novel", "poems"] = Field(default="novel", sa_type=String)
    cover: Literal["soft", "hard"] | None = Field(default=None, sa_type=String)
    tags: list[str] = Field(default_factory=list, sa_type=JSON)
    authors: list[Annotated[NonBlankText, MaxLen(5)]] | None = Field(default=None, sa_type=JSON, max_length=3)
    notes: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    shelf_id: RowId = ref("sample_shelves", "The shelf that it stands on.", on_delete="restrict")
    lent_to_id: RowId | None = ref("projects", "The project that has it.", on_delete="set null")
    sequel_of_id: RowId | None = ref("sample_books", "The book that it continues.", on_delete="cascade")


class SampleBook(Timestamped, SampleBookFields, Owned, table=True):
    """One of a user's books."""

    __tablename__ = "sample_books"


class SampleBuildingCreate(SampleBuildingFields, CreateSchema):
    """A new building."""


class SampleBuildingUpdate(SampleBuildingFields, UpdateSchema):
    """What to change about one of the buildings."""


class SampleShelfCreate(SampleShelfFields, CreateSchema):
    """A new shelf."""


class SampleShelfUpdate(SampleShelfFields, UpdateSchema):
    """What to change about one of the shelves."""


class SampleBookCreate(SampleBookFields, CreateSchema):
    """A new book."""


class SampleBookUpdate(SampleBookFields, UpdateSchema):
    """What to change about one of the books."""


class SampleBuildingController(ResourceController[SampleBuilding, SampleBuildingCreate, SampleBuildingUpdate]):
    """Your buildings."""

    path = "/api/sample-buildings"


class SampleShelfController(ResourceController[SampleShelf, SampleShelfCreate, SampleShelfUpdate]):
    """Your shelves."""

    path = "/api/sample-shelves"


class SampleBookController(ResourceController[SampleBook, SampleBookCreate, SampleBookUpdate]):
    """Your books."""

    path = "/api/sample-books"


NOUNS = (SampleBuildingController, SampleShelfController, SampleBookController)
