"""Buildings with shelves, on which books stand: their tables, schemas and controllers."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from annotated_types import MaxLen
from litestar import get
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from sqlalchemy import JSON, Index, String, func, select
from sqlalchemy import text as sql
from sqlmodel import Field

from app.core.data.repository.repository import Repository
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
    now,
    number,
    ref,
    text,
    unique,
    uuid,
)
from app.core.http.body.dto import CreateSchema, UpdateSchema
from app.core.http.resource.actions import action
from app.core.http.resource.controller import ResourceController
from app.core.http.resource.filters import NamedFilter
from app.core.http.resource.stats import count, figures, max_of, min_of, sum_of


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
    label_on_the_left_hand_side: NonBlankText | None = text("On the left.", max_length=100)
    label_on_the_right_hand_side: NonBlankText | None = text("On the right.", max_length=100)


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
    __sortable__ = ("title", "pages", "rating", "printed", "lent_at", "isbn", "is_signed", "state")
    __searchable__ = ("title", "summary")


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
    demolish = action("Let it be a ruin.", {"name": "ruin"})


class SampleShelfController(ResourceController[SampleShelf, SampleShelfCreate, SampleShelfUpdate]):
    """Your shelves."""

    path = "/api/sample-shelves"
    expand = ("building",)
    counts = ("sample_books",)
    move_to_hall = action("Put it into the hall.", {"room": "hall", "place": 7}, summary="Move {a_noun} to the hall")
    clear = action("Make its place unknown.", {"building_id": None, "room": None})


BOOK: Any = SampleBook


class SampleBookTotals(msgspec.Struct):
    """What all your books are together."""

    books: Annotated[int, msgspec.Meta(description="How many they are.")]
    pages: Annotated[int, msgspec.Meta(description="How many pages they have.")]
    places: Annotated[int, msgspec.Meta(description="On how many shelves they stand.")]


class SampleBookRepository(Repository[SampleBook]):
    """The books, with a query that the frame does not have."""

    async def select_totals(self) -> SampleBookTotals:
        pages = func.coalesce(func.sum(BOOK.pages), 0).label("pages")
        places = func.count(BOOK.shelf_id.distinct()).label("places")
        query = select(func.count().label("books"), pages, places).select_from(SampleBook)
        [totals] = await self.select_as(SampleBookTotals, query)
        return totals


class SampleBookController(ResourceController[SampleBook, SampleBookCreate, SampleBookUpdate]):
    """Your books."""

    path = "/api/sample-books"
    repository_type = SampleBookRepository
    expand = ("shelf", "lent_to", "sequel_of")
    counts = ("sample_books",)
    related_filters = ("shelf__name", "shelf__place")
    named_filters = (
        NamedFilter("well_rated", "Books that are rated 4 or better.", lambda book: book.rating >= 4),
        NamedFilter("thicker_than", "Books with more pages.", lambda book, pages: book.pages > pages, type=SafeInt),
    )
    sign = action("Mark it as signed.", {"is_signed": True, "state": State.WORN})
    lend = action("Lend it. A book that is lent keeps its time.", {"lent_at": func.coalesce(BOOK.lent_at, now())})
    add_page = action("Count one page more.", lambda book: {"pages": book.pages + 1}, summary="Add a page to {a_noun}")

    stats = figures(
        books=count("How many they are."),
        lent=count("Those that are lent.", lambda book: book.lent_at.is_not(None)),
        overdue=count("Those that were lent before now.", lambda book: book.lent_at < now()),
        all_pages=sum_of("pages", "The pages of all."),
        pages_of_worn=sum_of("pages", "The pages of those that are worn.", lambda book: book.state == State.WORN),
        worst=min_of("rating", "The worst rating."),
        newest=max_of("printed", "The day when the newest was printed."),
        lent_last=max_of("lent_at", "When the last was lent."),
        group_by=("state", "shelf_id", "kind", "cover", "is_signed", "printed", "pages", "isbn", "summary"),
    )

    @get("/totals", summary="Count {nouns}", response_description="The totals.", return_dto=None)
    async def totals(self, repository: NamedDependency[SkipValidation[SampleBookRepository]]) -> SampleBookTotals:
        """Return the totals of your {nouns}."""
        return await repository.select_totals()


NOUNS = (SampleBuildingController, SampleShelfController, SampleBookController)
