"""Items with a field of each further type: ranks, decimals, JSON, addresses."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from app.core.data.tables import (
    Decimal,
    Email,
    Fields,
    JsonObject,
    NonBlankText,
    Owned,
    RowId,
    Timestamped,
    Url,
    choice,
    decimal,
    json,
    one_per_owner,
    ref,
    text,
)
from app.core.http.body.dto import CreateSchema, UpdateSchema
from app.core.http.resource.controller import ResourceController
from app.core.http.resource.stats import count, figures, max_of, min_of, sum_of
from app.testing.factories import RowFactory


class Priority(StrEnum):
    """How much something matters."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "it's high"


RANKS = {Priority.LOW: 10, Priority.NORMAL: 20, Priority.HIGH: 30}


class Place(BaseModel):
    """Where something is."""

    street: NonBlankText
    floor: int = 0


class SampleItemFields(Fields):
    """A field of each type, required, and one that may be null."""

    priority: Priority = choice("How much it matters.", ranks=RANKS)
    before: Priority | None = choice("How much it mattered.", ranks=RANKS)
    price: Decimal = decimal("What it costs.", scale=2, ge=0)
    weight: Decimal | None = decimal("What it weighs.", scale=6, ge="-1000.5", le=1000)
    pieces: Decimal = decimal("How many it is.", scale=0, default=Decimal(1))
    email: Email = text("Whom to ask.", max_length=40)
    page: Url | None = text("Where to read of it.", max_length=200)
    tags: list[str] = json("Words for it.", default=[])
    place: Place | None = json("Where it is.")
    extra: JsonObject | None = json("Whatever else there is.")
    anything: Any = json("Anything.", default=0)
    parent_id: RowId | None = ref("sample_items", "What it is part of.", on_delete="set null")


class SampleItem(Timestamped, SampleItemFields, Owned, table=True):
    """One of a user's items."""

    __tablename__ = "sample_items"


class SampleItemCreate(SampleItemFields, CreateSchema):
    """A new item."""


class SampleItemUpdate(SampleItemFields, UpdateSchema):
    """What to change about an item."""


class SampleItemController(ResourceController[SampleItem, SampleItemCreate, SampleItemUpdate]):
    """Your items."""

    path = "/api/sample-items"
    stats = figures(
        items=count("How many they are."),
        cost=sum_of("price", "What all of them cost."),
        cost_of_urgent=sum_of("price", "What the urgent ones cost.", lambda item: item.priority == Priority.HIGH),
        total_weight=sum_of("weight", "What all of them weigh."),
        pieces=sum_of("pieces", "How many pieces they are."),
        lightest=min_of("weight", "The lightest of them."),
        least=min_of("before", "How much the least of them mattered."),
        most=max_of("priority", "How much the most important of them matters."),
        group_by=("priority", "before", "price", "weight", "parent_id", "email"),
    )
    expand = ("parent",)
    counts = ("sample_items", "sample_profiles")


class SampleProfileFields(Fields):
    """What a user says about the profile."""

    name: NonBlankText = text("What it is called.", max_length=50)
    favourite_id: RowId | None = ref("sample_items", "The item that matters most.", on_delete="set null")


class SampleProfile(Timestamped, SampleProfileFields, Owned, table=True):
    """A user's profile."""

    __tablename__ = "sample_profiles"
    __indexes__ = (one_per_owner(),)


class SampleProfileCreate(SampleProfileFields, CreateSchema):
    """A new profile."""


class SampleProfileUpdate(SampleProfileFields, UpdateSchema):
    """What to change about a profile."""


class SampleProfileController(ResourceController[SampleProfile, SampleProfileCreate, SampleProfileUpdate]):
    """Your profile."""

    path = "/api/sample-profiles"
    expand = ("favourite",)


NOUNS = (SampleItemController, SampleProfileController)
FACTORIES = [RowFactory.create_factory(noun.model) for noun in NOUNS]
