"""Specimens with values at which databases differ."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from app.core.data.repository.repository import Repository
from app.core.data.repository.rows import Row
from app.testing.databases import Databases
from tests.parts.specimens import Sessions, Specimen, SpecimenShelf, State, specimens_on

ROWS: Final = 90

_BERLIN: Final = ZoneInfo("Europe/Berlin")
_TEXTS: Final = (
    *(
        "a",
        "A",
        "b",
        "ab",
        "aB",
        "AB ",
        " a",
        "İstanbul",
        "istanbul",
        "Straße",
        "STRASSE",
        "ﬁsch",
        "Fisch",
        "Å",
        "A\u030a",
    ),
    *(
        "a%b",
        "a_b",
        "a\\b",
        "%",
        "_",
        "\\",
        "'",
        '"',
        "100%",
        "e\u0301\u0323",
        "é",
        "\u0301x",
        "\u03c2",
        "\u03a3",
        "\u03c3",
        "\ud7ff",
        "\ue000",
    ),
    *(
        "\U0010ffff",
        "\U0010ffff\U0010ffff",
        "\U0010ffffa",
        "🥛",
        "z" * 399,
        "z" * 400 + "a",
        "z" * 400 + "b",
        "ﷺ" * 30,
        "\uff21",
    ),
)
# The hour that Berlin has twice, and the one that it does not have.
_INSTANTS: Final = (
    *(
        (datetime(2025, month, a_day, 2, 30, tzinfo=_BERLIN, fold=fold) + timedelta(microseconds=after)).astimezone(UTC)
        for month, a_day in ((3, 30), (10, 26))
        for fold in (0, 1)
        for after in (0, 1, 1000)
    ),
    datetime(1, 1, 2, tzinfo=UTC),
    datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC),
)
POOLS: Final[dict[str, tuple[Any, ...]]] = {
    "title": _TEXTS,
    "nickname": (*(text for text in _TEXTS if len(text) <= 50), "", None, None),
    "notes": (*_TEXTS, "", None),
    "code_name": ("a", "A", "", "é", None),
    "done": (True, False),
    "kept": (True, False, None),
    "stars": (2**53 - 1, -(2**53) + 1, 2**53 - 2, 0, 1, -1, None, None),
    "size": (0.1, 0.1 + 2**-55, 1e22, -0.0, 0.0, -1.5, 5e-324, None),
    "found_on": (date(1, 1, 1), date(2024, 2, 29), date(2024, 3, 1), date(9999, 12, 31), None),
    "due_at": (*_INSTANTS, None, None, None),
    "code": (UUID(int=0), UUID(int=2**128 - 1), UUID("12345678-1234-5678-1234-567812345678"), None),
    "state": tuple(State),
}


class Stock:
    """Alice's specimens and shelves, as they are stored, on a database where bob has some too."""

    # No dataclass: Hypothesis would write all rows.
    def __init__(self, sessions: Sessions, rows: list[Row], shelves: dict[int, Row]) -> None:
        self.sessions, self.rows, self.shelves = sessions, rows, shelves

    def shelf_of(self, row: Row) -> Row | None:
        return self.shelves.get(row.shelf_id)


@pytest.fixture(scope="module")
async def stock(databases: Databases) -> AsyncIterator[Stock]:
    """Random rows, the same on every database."""
    async with specimens_on(databases) as sessions:
        random = Random(15)  # noqa: S311  # no secret
        stocks = [await _stock_of(user, sessions, random) for user in ("bob", "alice")]
        yield stocks[1]


async def _stock_of(user: str, sessions: Sessions, random: Random) -> Stock:
    async with sessions.of(user) as session:
        shelf_rows, rows = Repository.of(SpecimenShelf)(session=session), Repository.of(Specimen)(session=session)
        shelves = [
            await shelf_rows.insert_one({"label": label, "archived": archived, "closed_at": closed})
            for label, archived, closed in (("Éins", False, None), ("zwei", True, _INSTANTS[0]), ("A_%", True, None))
        ]
        stored: list[Row] = []
        for _ in range(ROWS):
            values = {name: random.choice(pool) for name, pool in POOLS.items()}
            values["shelf_id"] = random.choice([None, *(shelf.id for shelf in shelves)])
            values["parent_id"] = random.choice([None, *(row.id for row in stored)])
            stored.append(await rows.insert_one(values))
    return Stock(sessions, stored, {shelf.id: shelf for shelf in shelves})
