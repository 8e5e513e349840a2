"""The kinds of changes, with what their author answers, and what becomes of the values that are there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Literal

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    MetaData,
    Text,
    UniqueConstraint,
    func,
)
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from app.core.data.schema.autogenerate.answers import Answers
from app.core.data.tables.choices import CHOICES, Choice, RankedChoice, choices_constraint
from app.core.data.tables.documents import JsonDocument
from app.core.data.tables.field_types import BigIntKey
from app.core.data.tables.indexes import reference
from app.core.data.tables.row_ids import add_link_table
from tests.core.data.schema.changes.tables import (
    LEVEL,
    PRICE,
    Level,
    add_list,
    add_noun,
    alter,
    list_of,
    remove,
    rename,
    without_rules,
)

TEXT: Final = {"projects": "name", "tasks": "title", "notes": "title"}
OPTIONAL: Final = {"projects": "description", "tasks": "description", "notes": "body"}


class State(StrEnum):
    """What a thing is in."""

    OPEN = "it's open"
    DONE = "done"


class ThreeLevels(StrEnum):
    """The levels, and one between them."""

    LOW = "low"
    MIDDLE = "middle"
    HIGH = "it's high"


class OneLevel(StrEnum):
    """One of the levels."""

    HIGH = "it's high"


class OtherLevels(StrEnum):
    """The levels, one of them under another name."""

    LOWER = "lower"
    HIGH = "it's high"


@dataclass(frozen=True)
class Kind:
    """A kind of change of a noun."""

    change: Callable[[MetaData, str], object]
    answers: Callable[[str], Answers] = lambda _: Answers()
    gone: Callable[[str], set[str]] = lambda _: set()
    """Columns that are gone afterwards."""
    called: Callable[[str], Mapping[str, str]] = lambda _: {}
    """Columns that are called something else afterwards."""
    noun: str | None = None
    """What the noun is called afterwards."""
    nouns: tuple[str, ...] = ("tasks", "projects", "notes")
    fills: Callable[[str], dict[str, Any]] = lambda _: {}
    """What the rows that exist have in new columns, and in those where another value was asked for; a list has one for
    each row, and is taken back."""


def _add(*parts: Callable[[], Any]) -> Callable[[MetaData, str], None]:
    return lambda metadata, noun: alter(metadata, noun, *(part() for part in parts))


def _required(metadata: MetaData, noun: str) -> None:
    alter(metadata, noun, columns={OPTIONAL[noun]: Column(OPTIONAL[noun], Text, nullable=False)})


def _text(kind: Any, name: str | None = None) -> Callable[[MetaData, str], None]:
    return lambda metadata, noun: alter(
        metadata, noun, columns={TEXT[noun]: Column(name or TEXT[noun], kind, nullable=False)}
    )


def _refer(metadata: MetaData, noun: str) -> None:
    alter(metadata, noun, Column("next_id", BigIntKey), *reference("next_id", noun, on_delete="set null"))


def _refer_to_another(metadata: MetaData, noun: str) -> None:
    add_noun(metadata, "shelves", Column("label", AutoString(50), nullable=False))
    alter(metadata, noun, Column("shelf_id", BigIntKey), *reference("shelf_id", "shelves", on_delete="restrict"))


def _link(metadata: MetaData, noun: str) -> None:
    add_noun(metadata, "tags", Column("label", AutoString(50), nullable=False))
    one, other = reference("one_id", noun, on_delete="cascade"), reference("tag_id", "tags", on_delete="cascade")
    keys = [Column("one_id", BigIntKey, nullable=False), Column("tag_id", BigIntKey, nullable=False)]
    add_noun(metadata, "links", *keys, *one, *other, UniqueConstraint("user_id", "one_id", "tag_id"))


def _drop_reference(metadata: MetaData, noun: str) -> None:
    for table, column in (("tasks", "project_id"), ("notes", "task_id")):
        if noun in {table, "projects"}:
            without_rules(metadata, table, column)


def _remove(metadata: MetaData, noun: str) -> None:
    """Remove a noun, and the references to it."""
    if noun == "tasks":
        alter(metadata, "notes", drop=("task_id",))
        _drop_list(metadata, "notes")
    remove(metadata, noun)


def _drop_list(metadata: MetaData, noun: str) -> None:
    metadata.remove(metadata.tables[f"{noun}_task_ids"])
    alter(metadata, noun, drop=("task_ids",))


def _rename_list(metadata: MetaData, noun: str) -> None:
    metadata.remove(metadata.tables[f"{noun}_task_ids"])
    renamed = list_of("job_ids", "tasks")
    alter(metadata, noun, columns={"task_ids": renamed})
    add_link_table(metadata.tables[noun], renamed)


def _ring(metadata: MetaData, noun: str) -> None:
    """Add two nouns that refer to each other, and one of them to a noun that is there."""
    add_noun(
        metadata, "teams", Column("captain_id", BigIntKey), *reference("captain_id", "players", on_delete="set null")
    )
    team = [Column("team_id", BigIntKey, nullable=False), *reference("team_id", "teams", on_delete="cascade")]
    fan = [Column("fan_id", BigIntKey), *reference("fan_id", noun, on_delete="set null")]
    add_noun(metadata, "players", *team, *fan)


def _fate(metadata: MetaData, noun: str) -> None:
    """Delete what was cleared, or clear what was deleted."""
    column = {"tasks": "project_id", "notes": "project_id"}[noun]
    without_rules(metadata, noun, column)
    fate: Literal["cascade", "set null"] = "cascade" if noun == "tasks" else "set null"
    alter(metadata, noun, *reference(column, "projects", on_delete=fate))


def _bound(length: int) -> Callable[[MetaData, str], None]:
    def change(metadata: MetaData, noun: str) -> None:
        (rule,) = (rule for rule in metadata.tables[noun].constraints if "short" in str(rule.name))
        metadata.tables[noun].constraints.remove(rule)
        metadata.tables[noun].append_constraint(CheckConstraint(f"length(title) < {length}", name="short"))

    return change


def _choose(*values: str) -> Callable[[MetaData, str], None]:
    def change(metadata: MetaData, noun: str) -> None:
        (rule,) = (r for r in metadata.tables[noun].constraints if getattr(r.info.get(CHOICES), "column", "") == "rank")
        metadata.tables[noun].constraints.remove(rule)
        metadata.tables[noun].append_constraint(choices_constraint("rank", values))

    return change


def _rank(kind: type[StrEnum], *ranks: int) -> Callable[[MetaData, str], None]:
    """Give the field `level` these values."""

    def change(metadata: MetaData, noun: str) -> None:
        ranked = RankedChoice(kind, tuple(zip(kind, ranks, strict=True)))
        (rule,) = (
            r for r in metadata.tables[noun].constraints if getattr(r.info.get(CHOICES), "column", "") == "level"
        )
        metadata.tables[noun].constraints.remove(rule)
        alter(metadata, noun, ranked.check("level"), columns={"level": Column("level", ranked)})

    return change


LOSS = lambda _: Answers(allow_loss=True)  # noqa: E731

KINDS: Final[dict[str, Kind]] = {
    "an optional field": Kind(_add(lambda: Column("colour", AutoString(20))), fills=lambda _: {"colour": None}),
    "a flag": Kind(
        _add(lambda: Column("starred", Boolean, nullable=False, default=False)), fills=lambda _: {"starred": False}
    ),
    "a text with a default": Kind(
        _add(lambda: Column("colour", AutoString(20), nullable=False, default="it's 100% red: :x")),
        fills=lambda _: {"colour": "it's 100% red: :x"},
    ),
    "a text that quotes": Kind(
        _add(lambda: Column("colour", AutoString(20), nullable=False, default="'q'")), fills=lambda _: {"colour": "'q'"}
    ),
    "a rule says something else": Kind(_bound(300), nouns=("notes",)),
    "a number with a default": Kind(
        _add(lambda: Column("rate", BigInteger, nullable=False, default=3)), fills=lambda _: {"rate": 3}
    ),
    "a moment with a default": Kind(
        _add(lambda: Column("seen_at", UTCDateTime, nullable=False, server_default=func.now()))
    ),
    "a required field": Kind(
        _add(lambda: Column("rate", BigInteger, nullable=False)),
        lambda noun: Answers(defaults={f"{noun}.rate": "7"}),
        fills=lambda _: {"rate": 7},
    ),
    "a field becomes required": Kind(
        _required,
        lambda noun: Answers(defaults={f"{noun}.{OPTIONAL[noun]}": "none said"}),
        fills=lambda noun: {OPTIONAL[noun]: "none said"},
    ),
    "a field becomes optional": Kind(
        lambda metadata, noun: alter(metadata, noun, columns={TEXT[noun]: Column(TEXT[noun], AutoString(200))})
    ),
    "a field goes": Kind(
        lambda metadata, noun: alter(metadata, noun, drop=(OPTIONAL[noun],)), LOSS, gone=lambda noun: {OPTIONAL[noun]}
    ),
    "a field is renamed": Kind(
        _text(AutoString(200), "headline"),
        lambda noun: Answers(renames={f"{noun}.{TEXT[noun]}": "headline"}),
        called=lambda noun: {TEXT[noun]: "headline"},
    ),
    "a field is renamed and longer": Kind(
        _text(AutoString(250), "headline"),
        lambda noun: Answers(renames={TEXT[noun]: "headline"}),
        called=lambda noun: {TEXT[noun]: "headline"},
    ),
    "the noun is renamed": Kind(
        lambda metadata, noun: rename(metadata, noun, "renamed_nouns"),
        lambda noun: Answers(renames={noun: "renamed_nouns"}),
        noun="renamed_nouns",
    ),
    "the noun goes": Kind(_remove, LOSS, nouns=("tasks", "notes")),
    "a longer text": Kind(_text(AutoString(300))),
    "a shorter text": Kind(_text(AutoString(100))),
    "a text without an end": Kind(_text(Text())),
    "a reference to itself": Kind(_refer, fills=lambda _: {"next_id": None}),
    "a reference to a new noun": Kind(_refer_to_another, fills=lambda _: {"shelf_id": None}),
    "the fate of what refers changes": Kind(_fate, nouns=("tasks", "notes")),
    "a reference goes, its column stays": Kind(_drop_reference),
    "a link of many to many": Kind(_link),
    "two nouns that refer to each other": Kind(_ring),
    "a list of ids": Kind(
        lambda metadata, noun: add_list(metadata, noun, "project_ids", "projects"),
        fills=lambda _: {"project_ids": [[], []]},
    ),
    "a list of ids is renamed": Kind(
        _rename_list,
        lambda _: Answers(renames={"notes.task_ids": "job_ids"}),
        called=lambda _: {"task_ids": "job_ids"},
        nouns=("notes",),
    ),
    "a list of ids goes": Kind(_drop_list, LOSS, gone=lambda _: {"task_ids"}, nouns=("notes",)),
    "a unique rule": Kind(lambda metadata, noun: alter(metadata, noun, UniqueConstraint("user_id", TEXT[noun]))),
    "an index": Kind(lambda metadata, noun: alter(metadata, noun, Index(None, "user_id", TEXT[noun]))),
    "a choice": Kind(
        _add(
            lambda: Column("state", Choice(State), nullable=False, default=State.OPEN),
            lambda: choices_constraint("state", [state.value for state in State]),
        ),
        fills=lambda _: {"state": State.OPEN},
    ),
    "a choice gets a value": Kind(_choose("low", "it's high", "top"), nouns=("notes",)),
    "a choice loses a value": Kind(
        _choose("low"), lambda _: Answers(defaults={"rank": "low"}), fills=lambda _: {"rank": "low"}, nouns=("notes",)
    ),
    "a choice calls a value something else": Kind(
        _choose("lower", "it's high"),
        lambda _: Answers(defaults={"rank": "lower"}),
        fills=lambda _: {"rank": ["lower", "it's high"]},
        nouns=("notes",),
    ),
    "a choice is renamed": Kind(
        lambda metadata, noun: alter(metadata, noun, columns={"rank": Column("place", AutoString(255))}),
        lambda _: Answers(renames={"notes.rank": "place"}),
        called=lambda _: {"rank": "place"},
        nouns=("notes",),
    ),
    "a choice goes": Kind(
        lambda metadata, noun: alter(metadata, noun, drop=("rank",)), LOSS, gone=lambda _: {"rank"}, nouns=("notes",)
    ),
    "a ranked choice": Kind(
        _add(lambda: Column("rated", LEVEL, nullable=False, default=Level.HIGH), lambda: LEVEL.check("rated")),
        fills=lambda _: {"rated": Level.HIGH},
    ),
    "a required ranked choice": Kind(
        _add(lambda: Column("rated", LEVEL, nullable=False), lambda: LEVEL.check("rated")),
        lambda _: Answers(defaults={"rated": "it's high"}),
        fills=lambda _: {"rated": Level.HIGH},
    ),
    "a ranked choice gets a value": Kind(_rank(ThreeLevels, 10, 15, 20), nouns=("notes",)),
    "a ranked choice loses a value": Kind(
        _rank(OneLevel, 20),
        lambda _: Answers(defaults={"level": "it's high"}),
        fills=lambda _: {"level": OneLevel.HIGH},
        nouns=("notes",),
    ),
    "a ranked choice calls a value something else": Kind(
        _rank(OtherLevels, 10, 20),
        lambda _: Answers(defaults={"level": "lower"}),
        fills=lambda _: {"level": ["lower", "it's high"]},
        nouns=("notes",),
    ),
    "a ranked choice is renamed": Kind(
        lambda metadata, noun: alter(metadata, noun, columns={"level": Column("height", LEVEL)}),
        lambda _: Answers(renames={"notes.level": "height"}),
        called=lambda _: {"level": "height"},
        nouns=("notes",),
    ),
    "a decimal with a default": Kind(
        _add(lambda: Column("cost", PRICE, nullable=False, default=Decimal("-0.50")), lambda: PRICE.check("cost")),
        fills=lambda _: {"cost": Decimal("-0.50")},
    ),
    "a required decimal": Kind(
        _add(lambda: Column("cost", PRICE, nullable=False), lambda: PRICE.check("cost")),
        lambda _: Answers(defaults={"cost": "12.5"}),
        fills=lambda _: {"cost": Decimal("12.50")},
    ),
    "a decimal is renamed": Kind(
        lambda metadata, noun: alter(metadata, noun, columns={"price": Column("cost", PRICE)}),
        lambda _: Answers(renames={"notes.price": "cost"}),
        called=lambda _: {"price": "cost"},
        nouns=("notes",),
    ),
    "a decimal goes": Kind(
        lambda metadata, noun: alter(metadata, noun, drop=("price",)),
        LOSS,
        gone=lambda _: {"price"},
        nouns=("notes",),
    ),
    "a document with a default": Kind(
        _add(
            lambda: Column("extra", JsonDocument(), nullable=False, default={"bb": ["it's"], "a": 1.0}),
            lambda: JsonDocument().check("extra"),
        ),
        fills=lambda _: {"extra": {"a": 1, "bb": ["it's"]}},
    ),
    "a required document": Kind(
        _add(lambda: Column("extra", JsonDocument(), nullable=False), lambda: JsonDocument().check("extra")),
        lambda _: Answers(defaults={"extra": '{"b": ["a"]}'}),
        fills=lambda _: {"extra": {"b": ["a"]}},
    ),
    "a document is renamed": Kind(
        lambda metadata, noun: alter(metadata, noun, columns={"tags": Column("words", JsonDocument())}),
        lambda _: Answers(renames={"notes.tags": "words"}),
        called=lambda _: {"tags": "words"},
        nouns=("notes",),
    ),
    "a document becomes required": Kind(
        lambda metadata, noun: alter(
            metadata, noun, columns={"labels": Column("labels", JsonDocument(), nullable=False)}
        ),
        lambda _: Answers(defaults={"labels": '{"a": "it\'s"}'}),
        fills=lambda _: {"labels": {"a": "it's"}},
        nouns=("notes",),
    ),
    "a rule": Kind(
        lambda metadata, noun: alter(metadata, noun, CheckConstraint(f"{TEXT[noun]} <> ''", name="says_something"))
    ),
}
