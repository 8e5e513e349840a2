"""What the lists of ids and the link tables of a database say, each read by itself."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event

from app.core.data.connection.engine import database_url
from app.core.data.schema.engines import migration_engine

Entries = set[tuple[str, int, int]]
"""The owner, the id of the row with the list, and an id in it."""

LISTS = (
    ("sample_notes", "label_ids"),
    ("sample_notes", "note_ids"),
    ("sample_albums", "photo_ids"),
    ("sample_actors", "play_ids"),
    ("sample_plays", "actor_ids"),
)
"""Those of `tests.library.links`."""


@contextmanager
def opened(url: str) -> Iterator[Connection]:
    """Yield a transaction of the tables' owner, which is rolled back after an error; SQLite checks foreign keys."""
    engine = migration_engine(database_url(url))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def lists_of(connection: Connection, table: str, column: str) -> dict[tuple[str, int], list[int]]:
    """Return the lists by owner and id of the row; each is as the application stores it."""
    found: dict[tuple[str, int], list[int]] = {}
    for owner, row_id, stored in connection.exec_driver_sql(f"SELECT user_id, id, {column} FROM {table}"):
        ids = json.loads(stored) if isinstance(stored, str) else stored
        assert ids == sorted({*ids})
        assert not isinstance(stored, str) or stored == json.dumps(ids, separators=(",", ":"))
        found[owner, row_id] = ids
    return found


def links_in(connection: Connection, table: str, column: str) -> Entries:
    """Return the entries of the link table."""
    rows = connection.exec_driver_sql(f"SELECT user_id, row_id, target_id FROM {table}_{column}")
    return {(owner, row_id, target_id) for owner, row_id, target_id in rows}


def linked(url: str) -> dict[str, Entries]:
    """Return the entries of all link tables, which have to be those of the lists."""
    entries: dict[str, Entries] = {}
    with opened(url) as connection:
        for table, column in LISTS:
            lists: Any = lists_of(connection, table, column)
            entries[f"{table}.{column}"] = links_in(connection, table, column)
            assert entries[f"{table}.{column}"] == {(*key, each) for key, ids in lists.items() for each in ids}
    return entries
