"""The oracle of the isolation machine: the responses that the API must give.

It uses no SQL and no session. Each user's rows are in a dict of their own, and no method reads two of these dicts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlencode

import httpx
from sqlalchemy import Table, UniqueConstraint

from app.core.data.tables.owned import OWNER_COLUMN, Owned
from app.core.data.tables.references import references_of
from app.testing.contract.answers import visible_parts
from app.testing.contract.operations import Resource

Row = dict[str, Any]
Seen = tuple[int, bytes, list[tuple[str, str]]]
SET_BY_SERVER = {"id", "user_id", "created_at", "updated_at"}


class Wrong(AssertionError):
    """The API gave another response than the oracle expects."""


def check(holds: bool, what: str, answer: httpx.Response) -> None:
    if not holds:
        raise Wrong(f"{what}\n  it answered {answer.status_code} {dict(answer.headers)}\n  {answer.text[:1000]}")


@dataclass(eq=False)
class Later:
    """Equal to any later time: the server changed a row by itself, and no response has shown the time yet."""

    moment: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and datetime.fromisoformat(other) > datetime.fromisoformat(self.moment)

    __hash__ = None  # type: ignore[assignment]  # equal to many moments that are not equal to each other


@dataclass
class Oracle:
    """The expected rows of every user."""

    resources: tuple[Resource, ...]
    absent: dict[Resource, Seen]  # the response to an id that no row has
    nowhere: dict[Resource, Seen]  # the response to a reference to a missing row
    rows: dict[str, dict[type[Owned], dict[int, Row]]] = field(default_factory=dict)
    ids: dict[type[Owned], set[int]] = field(default_factory=dict)

    def of(self, user: str, model: type[Owned]) -> dict[int, Row]:
        return self.rows.setdefault(user, {}).setdefault(model, {})

    def missing_reference(self, user: str, resource: Resource, sent: Row) -> bool:
        """Return whether the body references a row that this user does not have."""
        return any(
            sent.get(reference.column) is not None and sent[reference.column] not in self.of(user, reference.model)
            for reference in references_of(resource.model)
        )

    def created(self, user: str, resource: Resource, sent: Row, answer: httpx.Response) -> int | None:
        """Check the response to a POST; return the new id, if there is one."""
        if answer.status_code == 409 and self._clashes(user, resource.model, None, sent):
            return None
        if self.missing_reference(user, resource, sent):
            self._check_same(answer, self.nowhere[resource])
            return None
        check(not self._clashes(user, resource.model, None, sent), "409 expected", answer)
        check(answer.status_code == 201, "201 expected", answer)
        row: Row = answer.json()
        known = self.ids.setdefault(resource.model, set())
        check(row["id"] not in known, "an id was given twice", answer)
        check(row == row | sent | {"user_id": user}, f"expected what was sent, for {user!r}: {sent}", answer)
        check(row.keys() - sent.keys() == SET_BY_SERVER & row.keys(), "it has other fields", answer)
        check(answer.headers["location"] == f"{resource.path}/{row['id']}", "a wrong Location", answer)
        known.add(row["id"])
        self.of(user, resource.model)[row["id"]] = row
        return int(row["id"])

    def was_read(self, user: str, resource: Resource, row_id: int, answer: httpx.Response) -> None:
        row = self.of(user, resource.model).get(row_id)
        if row is None:
            self._check_same(answer, self.absent[resource])
        else:
            check((answer.status_code, answer.json()) == (200, row), f"200 expected, and {row}", answer)

    def was_changed(self, user: str, resource: Resource, row_id: int, sent: Row, answer: httpx.Response) -> None:
        row = self.of(user, resource.model).get(row_id)
        if row is None:
            self._check_same(answer, self.absent[resource])
            return
        clashes = self._clashes(user, resource.model, row_id, row | sent)
        if answer.status_code == 409 and clashes:
            return
        if self.missing_reference(user, resource, sent):
            self._check_same(answer, self.nowhere[resource])
            return
        check(not clashes, "409 expected", answer)
        check(answer.status_code == 200, "200 expected", answer)
        found: Row = answer.json()
        expected = row | sent | {"updated_at": found["updated_at"]}
        check(found == expected, f"expected {expected}", answer)
        changes = row | sent != row  # without a change, `updated_at` stays the same
        updated_at = _later(row["updated_at"]) if changes else row["updated_at"]
        check(found["updated_at"] == updated_at, f"updated_at is not {updated_at}", answer)
        self.of(user, resource.model)[row_id] = found

    def was_deleted(self, user: str, resource: Resource, row_id: int, answer: httpx.Response) -> None:
        referring = list(self._referring(user, resource.model, row_id))
        if self.of(user, resource.model).get(row_id) is None:
            self._check_same(answer, self.absent[resource])
        elif any(fate == "restrict" for *_, fate in referring):
            check(answer.status_code == 409, "409 expected", answer)
        else:
            check((answer.status_code, answer.content) == (204, b""), "204 expected", answer)
            self._forget(user, resource.model, row_id)

    def was_listed(
        self, user: str, resource: Resource, page: tuple[int, int], count: bool, answer: httpx.Response
    ) -> None:
        limit, offset = page
        everything = [row for _, row in sorted(self.of(user, resource.model).items())]
        expected = everything[offset : offset + limit]
        check((answer.status_code, answer.json()) == (200, expected), f"200 expected, and {expected}", answer)
        total = str(len(everything)) if count else None
        check(answer.headers.get("x-total-count") == total, f"the total {total} expected", answer)
        pages = {"next": {"after": expected[-1]["id"]}} if expected and offset + limit < len(everything) else {}
        pages |= {"prev": {"offset": max(0, offset - limit)}} if offset else {}
        links = {relation: f"{resource.path}?{urlencode({'limit': limit, **edge})}" for relation, edge in pages.items()}
        check({r: link["url"] for r, link in answer.links.items()} == links, f"the links {links} expected", answer)

    def _forget(self, user: str, model: type[Owned], row_id: int) -> None:
        del self.of(user, model)[row_id]
        for other, other_id, column, fate in list(self._referring(user, model, row_id)):
            if fate == "set null":
                row = self.of(user, other)[other_id]
                row |= {column: None, "updated_at": _later(row["updated_at"])}
            elif other_id in self.of(user, other):
                self._forget(user, other, other_id)

    def _referring(self, user: str, model: type[Owned], row_id: int) -> Iterator[tuple[type[Owned], int, str, str]]:
        for other in (resource.model for resource in self.resources):
            for reference in (r for r in references_of(other) if r.model is model):
                for other_id, row in self.of(user, other).items():
                    if row[reference.column] == row_id:
                        yield other, other_id, reference.column, reference.on_delete

    def _clashes(self, user: str, model: type[Owned], row_id: int | None, row: Row) -> bool:
        """Return whether another row of this user has the same unique values."""
        others = [other for other_id, other in self.of(user, model).items() if other_id != row_id]
        uniques = (c for c in cast("Table", model.__table__).constraints if isinstance(c, UniqueConstraint))
        for unique in uniques:
            names = {column.name for column in unique.columns} - {OWNER_COLUMN}
            if "id" not in names and any(all(o[n] is not None and o[n] == row.get(n) for n in names) for o in others):
                return True
        return False

    def _check_same(self, answer: httpx.Response, expected: Seen) -> None:
        check(visible_parts(answer) == expected, f"expected what is answered where nothing is: {expected}", answer)


def _later(moment: str | Later) -> Later:
    return moment if isinstance(moment, Later) else Later(moment)
