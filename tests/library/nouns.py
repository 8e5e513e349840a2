"""Buildings with shelves, on which books stand: their tables, schemas and controllers."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from annotated_types import MaxLen
from pydantic import FiniteFloat
from sqlalchemy import JSON, BigInteger, Index, String, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.core.data.tables.fields import BigIntKey, Instant, NonBlankText, PlainText, RowId, SafeInt, Timestamped
from app.core.data.tables.owned import Owned, owned_table, reference
from app.core.http.body.dto import CreateSchema, UpdateSchema
from app.core.http.resource.controller import ResourceController


class State(StrEnum):
    """What a book looks like."""

    NEW = "as new"
    WORN = "worn"


class SampleBuildingFields(SQLModel):
    """What a user says about one of the buildings."""

    name: NonBlankText = Field(max_length=50)


class SampleBuilding(SampleBuildingFields, Owned, table=True):
    """One of a user's buildings."""

    __tablename__ = "sample_buildings"


class SampleShelfFields(SQLModel):
    """What a user says about one of the shelves."""

    name: NonBlankText = Field(max_length=50)
    room: NonBlankText | None = Field(default=None, max_length=50)
    place: SafeInt | None = Field(default=None, sa_type=BigInteger)
    code: NonBlankText | None = None
    building_id: RowId | None = Field(default=None, sa_type=BigIntKey)
    label_on_the_left_hand_side: NonBlankText | None = None
    label_on_the_right_hand_side: NonBlankText | None = None


class SampleShelf(Timestamped, SampleShelfFields, Owned, table=True):
    """One of a user's shelves."""

    __tablename__ = "sample_shelves"
    __table_args__ = owned_table(
        UniqueConstraint("user_id", "name"),
        UniqueConstraint("user_id", "label_on_the_left_hand_side", "label_on_the_right_hand_side"),
        Index(None, "user_id", "room", "place", unique=True),
        Index("ux_sample_shelves_code", "user_id", text("lower(code)"), unique=True),
        reference("building_id", "sample_buildings", on_delete="cascade"),
    )


class SampleBookFields(SQLModel):
    """What a user says about one of the books."""

    title: NonBlankText = Field(max_length=200)
    summary: PlainText | None = Field(default=None, max_length=5000)
    pages: SafeInt = Field(sa_type=BigInteger)
    rating: FiniteFloat | None = Field(default=None, ge=0, le=5)
    weight: FiniteFloat = 0.5
    printed: date | None = None
    lent_at: Instant | None = None
    isbn: UUID | None = None
    is_signed: bool = False
    state: State = State.NEW
    kind: Literal["novel", "poems"] = Field(default="novel", sa_type=String)
    cover: Literal["soft", "hard"] | None = Field(default=None, sa_type=String)
    tags: list[str] = Field(default_factory=list, sa_type=JSON)
    authors: list[Annotated[NonBlankText, MaxLen(5)]] | None = Field(default=None, sa_type=JSON, max_length=3)
    notes: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    shelf_id: RowId = Field(sa_type=BigIntKey)
    lent_to_id: RowId | None = Field(default=None, sa_type=BigIntKey)
    sequel_of_id: RowId | None = Field(default=None, sa_type=BigIntKey)


class SampleBook(Timestamped, SampleBookFields, Owned, table=True):
    """One of a user's books."""

    __tablename__ = "sample_books"
    __table_args__ = owned_table(
        reference("shelf_id", "sample_shelves", on_delete="restrict"),
        reference("lent_to_id", "projects", on_delete="set null"),
        reference("sequel_of_id", "sample_books", on_delete="cascade"),
    )


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
