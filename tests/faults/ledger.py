"""The ledger: what the clients were told about each write, held against what the database has in the end."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import psycopg
from sqlalchemy import make_url


class Stored(NamedTuple):
    """A task as the database has it; the title is its client's mark, the description its last change."""

    id: int
    user_id: str
    title: str
    description: str | None


def stored_in(database_url: str) -> list[Stored]:
    """Read every task, past the application and its policies."""
    statement = "SELECT id, user_id, title, description FROM tasks"
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        reader = sqlite3.connect(str(url.database))
        try:
            return [Stored(*row) for row in reader.execute(statement)]
        finally:
            reader.close()
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        return [Stored(*row) for row in connection.execute(statement)]


class Ledger:
    """What was promised: each row that was acknowledged, and each write of which nobody knows what became of it."""

    def __init__(self) -> None:
        self.owners: dict[str, str] = {}
        self.changes: dict[str, set[str | None]] = {}
        self.unknown: set[str] = set()

    def created(self, title: str, user: str) -> None:
        """A row was acknowledged."""
        self.owners[title] = user
        self.changes[title] = {None}

    def changed(self, title: str, description: str, *, for_sure: bool) -> None:
        """A change was acknowledged; or it may have been stored beside what was there before."""
        self.changes[title] = {description} if for_sure else {description, *self.changes[title]}

    def differences(self, stored: Iterable[Stored]) -> list[str]:
        """Name each acknowledged write that is lost, each that is there twice, and each that nobody was told of."""
        rows = list(stored)
        found = {row.title: row for row in rows}
        twice = [title for title, times in Counter(row.title for row in rows).items() if times > 1]
        return [
            *(f"stored more than once: {title}" for title in twice),
            *(f"lost: {title}" for title in self.owners.keys() - found.keys()),
            *(f"stored, though refused: {title}" for title in found.keys() - self.owners.keys() - self.unknown),
            *(f"not as acknowledged: {row}" for row in found.values() if not self._is_right(row)),
        ]

    def _is_right(self, row: Stored) -> bool:
        """Whether it belongs to whoever stored it, and has the last change; an unknown one may be anything."""
        owner = self.owners.get(row.title)
        return owner is None or (row.user_id == owner and row.description in self.changes[row.title])
