"""No migration gives the stored numbers of a field another meaning; the drift check sees each such change."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BigInteger, Column, MetaData

from app.core.data.schema.autogenerate.answers import Answers, Undecided
from app.core.data.schema.autogenerate.scripts import make_migration
from app.core.data.schema.drift import drift
from app.core.data.tables.choices import CHOICES, Choice, RankedChoice, choices_constraint
from app.core.data.tables.decimals import ScaledDecimal
from app.settings import Settings
from tests.core.data.schema.changes.tables import LEVEL, Level, alter, models

Other = StrEnum("Other", {"HIGH": "it's high", "URGENT": "urgent"})


def leveled(kind: type[StrEnum], *ranks: int) -> MetaData:
    """The models, whose field `level` has these ranks."""
    metadata = models()
    ranked = RankedChoice(kind, tuple(zip(kind, ranks, strict=True)))
    return _with(metadata, Column("level", ranked), ranked.check("level"))


def without_ranks() -> MetaData:
    values = [level.value for level in Level]
    return _with(models(), Column("level", Choice(Level)), choices_constraint("level", values))


def _with(metadata: MetaData, column: Column[Any], rule: Any) -> MetaData:
    rules = metadata.tables["notes"].constraints
    rules -= {r for r in rules if getattr(r.info.get(CHOICES), "column", "") == "level"}
    alter(metadata, "notes", rule, columns={"level": column})
    return metadata


def priced(scale: int | None, name: str = "price") -> MetaData:
    """The models, with a field of this scale."""
    metadata = models()
    alter(metadata, "notes", drop=(name,))
    kind = BigInteger() if scale is None else ScaledDecimal(scale)
    rules = [kind.check(name)] if isinstance(kind, ScaledDecimal) else []
    alter(metadata, "notes", Column(name, kind), *rules)
    return metadata


def with_ranks() -> MetaData:
    metadata = models()
    alter(metadata, "notes", drop=("rank",))
    alter(metadata, "notes", Column("rank", LEVEL), LEVEL.check("rank"))
    return metadata


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            lambda: leveled(Level, 10, 30),
            'notes.level: the rank of "it\'s high" is 20 in the rows that exist: keep it, or add another field',
        ),
        (
            lambda: leveled(Level, 20, 30),
            "notes.level: the rank of 'low' is 10 in the rows that exist: keep it, or add another field",
        ),
        (
            lambda: leveled(Other, 20, 10),
            "notes.level: 10, the rank of 'urgent', is that of another value in the rows that exist: choose another",
        ),
        (lambda: priced(3), "notes.price is a decimal with scale=2 in the rows that exist: keep that, or add another"),
        (lambda: priced(None), "notes.price is a decimal with scale=2 in the rows that exist: keep that, or add"),
        (lambda: priced(2, "task_id"), "notes.task_id is no decimal in the rows that exist: keep that, or add another"),
        (without_ranks, "notes.level is stored with ranks in the rows that exist: keep it with ranks, or add"),
        (with_ranks, "notes.rank is stored without ranks in the rows that exist: keep it without ranks, or add"),
    ],
)
def test_a_number_never_gets_another_meaning(
    made: Callable[[], MetaData], said: str, filled: Settings, migrations: Path
) -> None:
    metadata = made()

    assert drift(filled, metadata)
    with pytest.raises(Undecided) as caught:
        make_migration("change", Answers(defaults={"level": "it's high"}, allow_loss=True), metadata)
    assert said in str(caught.value)
