"""Every kind of change of every noun, on every database, with rows there: nothing is lost, nobody is let in."""

from typing import Any

import pytest

from app.core.data.schema.autogenerate.scripts import make_migration
from app.core.data.schema.migrations import downgrade, upgrade
from app.settings import Settings
from tests.core.data.schema.changes.kinds import KINDS, Kind
from tests.core.data.schema.changes.rows import all_of, can_be_deleted, connect, is_next_id_new, is_sound
from tests.core.data.schema.changes.tables import models
from tests.parts.history import NEXT

DATABASES = ("sqlite_databases", "postgres")
QUICK = {"a flag", "a field becomes required", "a field is renamed", "the noun is renamed", "a reference to a new noun"}
QUICK |= {"a choice loses a value", "a shorter text", "a reference goes, its column stays"}


def is_quick(name: str, noun: str, databases: str) -> bool:
    """Whether this one is in the quick suite: some kinds, each of one noun, on one database; together all."""
    if name not in QUICK:
        return False
    number, nouns = sorted(QUICK).index(name), KINDS[name].nouns
    return noun == nouns[number % len(nouns)] and databases == DATABASES[number // 2 % 2]


def expected(before: list[dict[str, Any]], kind: Kind, noun: str) -> list[dict[str, Any]]:
    """The rows of the noun, as the change should leave them."""
    called, gone = kind.called(noun), kind.gone(noun)
    kept = [{called.get(name, name): value for name, value in row.items() if name not in gone} for row in before]
    fills = kind.fills(noun).items()
    return [
        row | {name: value[number] if isinstance(value, list) else value for name, value in fills}
        for number, row in enumerate(kept)
    ]


@pytest.mark.parametrize(
    ("name", "noun", "filled"),
    [
        pytest.param(name, noun, databases, marks=() if is_quick(name, noun, databases) else pytest.mark.slow)
        for name in KINDS
        for noun in KINDS[name].nouns
        for databases in DATABASES
    ],
    indirect=["filled"],
)
def test_a_change_keeps_rows_and_protections_there_and_back(
    name: str, noun: str, filled: Settings, migrations: str
) -> None:
    kind, before, after = KINDS[name], models(), models()
    kind.change(after, noun)
    old, new = before.tables[noun], after.tables.get(kind.noun or noun)
    with connect(filled) as connection:
        rows = all_of(connection, old)

    assert make_migration("change", kind.answers(noun), after)
    upgrade(filled)

    is_sound(filled, after)
    with connect(filled) as connection:
        can_be_deleted(connection, after)
        wanted = expected(rows, kind, noun)
        if new is not None:
            assert [{column: row[column] for column in wanted[0]} for row in all_of(connection, new)] == wanted
    if new is not None:
        is_next_id_new(filled, new)

    downgrade(filled, NEXT)
    is_sound(filled, before)
    lost = kind.gone(noun) | {name for name, value in kind.fills(noun).items() if not isinstance(value, list)}
    with connect(filled) as connection:
        back, were = all_of(connection, old)[: len(rows)], rows if new is not None else []
        assert [without(row, lost) for row in back] == [without(row, lost) for row in were]

    upgrade(filled)
    is_sound(filled, after)


def without(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
