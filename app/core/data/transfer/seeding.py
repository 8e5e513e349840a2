"""Seeds every owned table with invented rows of several users, for development and benchmarks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from sqlmodel import SQLModel

from app.core.data.errors import ImpossibleRows
from app.core.data.ownership.session import AppSession
from app.core.data.tables.cycles import MAKE_ONE_NULLABLE, impossible_rows
from app.core.data.tables.field_types import Timestamped, utcnow
from app.core.data.tables.indexes import is_one_per_owner
from app.core.data.tables.links import links_of
from app.core.data.tables.owned import OWNER_COLUMN, Owned
from app.core.data.tables.references import references_of
from app.core.data.tables.registry import columns_by_name, sorted_owned_models, table_name, table_of
from app.core.data.tables.stamps import stamps_of
from app.core.data.transfer.copy import reserve_ids, write_rows
from app.core.data.transfer.deferred import deferred_keys

SEEDED_UNTIL: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""`created_at` of the newest row of a repeatable seed."""

_NULL_SHARE: Final = 0.25  # of optional references
_MAX_LINKS: Final = 3  # in a list of ids

Factories = Callable[[type[Owned]], Any]
Ids = dict[type[Owned], list[int]]
"""The ids of all rows, reserved before the first INSERT: a row may refer to a later table."""


@dataclass(slots=True)
class Seed:
    """Users, and rows per user and table. A `number` makes the values repeatable, apart from the ids."""

    users: Sequence[str]
    per_user: int
    number: int | None = None
    advance: Callable[[int], object] = lambda _: None
    random: Random = field(init=False)
    until: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(self.number)  # noqa: S311  # repeatable, not secret
        self.until = utcnow() if self.number is None else SEEDED_UNTIL

    def rows_of(self, model: type[Owned]) -> int:
        """Return the number of rows per user in a table."""
        return min(1, self.per_user) if is_one_per_owner(table_of(model)) else self.per_user


async def seed_rows(session: AppSession, seed: Seed, factory_of: Factories) -> dict[str, int]:
    """Store rows in every owned table, in one transaction, and return their number by table.

    Raises:
        ImpossibleRows: required references form a cycle, so that no row can be the first.
    """
    for sentence in impossible_rows(SQLModel.metadata.tables):
        raise ImpossibleRows(f"{sentence} {MAKE_ONE_NULLABLE}")
    counts: dict[str, int] = {}
    async with session.atomic(), deferred_keys(session):
        ids = {
            model: await reserve_ids(session, model, len(seed.users) * seed.rows_of(model))
            for model in sorted_owned_models()
        }
        for model in ids:
            rows = _invent(model, ids, seed, factory_of(model))
            counts[table_name(model)] = await write_rows(session, model, rows)
    return counts


def _invent(model: type[Owned], ids: Ids, seed: Seed, factory: Any) -> Iterator[tuple[Any, ...]]:
    # A row that refers to its own table refers to an earlier row.
    if seed.number is not None:
        factory.seed_random(seed.number)
    columns, flags = columns_by_name(model), stamps_of(model).items()
    for number, row_id in enumerate(ids[model]):
        user = number // seed.rows_of(model)
        given: dict[str, Any] = {"id": row_id, OWNER_COLUMN: seed.users[user]}
        for reference in references_of(model):
            count = seed.rows_of(reference.model)
            candidates = range(user * count, number if reference.model is model else (user + 1) * count)
            given[reference.column] = _choose(ids[reference.model], candidates, seed.random, reference.nullable)
        for link in links_of(model):
            count = seed.rows_of(link.model)
            candidates = range(user * count, number if link.model is model else (user + 1) * count)
            chosen = seed.random.sample(candidates, min(seed.random.randint(0, _MAX_LINKS), len(candidates)))
            given[link.column] = sorted(ids[link.model][each] for each in chosen)
        if issubclass(model, Timestamped):
            given["created_at"] = given["updated_at"] = seed.until - timedelta(seconds=len(ids[model]) - number)
        # None replaces the given values: polyfactory inspects any other value at length.
        values = factory.process_kwargs(**dict.fromkeys(given)) | given
        stamps = {name: values.get("created_at", seed.until) if values.get(flag) else None for name, flag in flags}
        yield _complete(model, columns, values | stamps)
        seed.advance(1)


def _choose(ids: list[int], candidates: range, random: Random, may_be_none: bool) -> int | None:
    if not candidates or (may_be_none and random.random() < _NULL_SHARE):
        return None
    return ids[random.choice(candidates)]


def _complete(model: type[Owned], columns: Any, values: dict[str, Any]) -> tuple[Any, ...]:
    # A field that the factory leaves out has its default. Building the model would double the time of a seed.
    fields = model.model_fields
    return tuple(
        values[name] if name in values else fields[name].get_default(call_default_factory=True) for name in columns
    )
