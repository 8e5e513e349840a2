"""Lists of ids and their link tables say the same, whatever writes the rows."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.core.data.conftest import Site
from tests.library import Library
from tests.parts.links import LISTS, linked

USERS = ("alice", "bob")


class Writer:
    """A user who writes at random, and knows what the lists should be."""

    def __init__(self, library: Library, user: str, random: Random) -> None:
        self._library, self._user, self._random = library, user, random
        self.labels: list[int] = []
        self.notes: dict[int, tuple[set[int], set[int]]] = {}

    def write(self) -> None:
        self._random.choice((self._add_label, self._add, self._add, self._change, self._change, self._delete))()

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._library.ask(method, f"/api/{path}", body, self._user)
        assert answer.status < 300, answer.body
        return answer.body

    def _some(self, ids: Any) -> list[int]:
        known = [*ids]
        return self._random.choices(known, k=self._random.randrange(4)) if known else []

    def _add_label(self) -> None:
        self.labels.append(self._ask("POST", "labels", {"name": "l"})["id"])

    def _add(self) -> None:
        labels, notes = self._some(self.labels), self._some(self.notes)
        body = {"name": f"n{self._random.random()}", "label_ids": labels, "note_ids": notes}
        self.notes[self._ask("POST", "notes", body)["id"]] = {*labels}, {*notes}

    def _change(self) -> None:
        if self.notes:
            row_id, labels = self._random.choice([*self.notes]), self._some(self.labels)
            notes = self._some(self.notes)  # maybe itself
            self._ask("PATCH", f"notes/{row_id}", {"label_ids": labels, "note_ids": notes})
            self.notes[row_id] = {*labels}, {*notes}

    def _delete(self) -> None:
        if self.labels and self._random.random() < 0.5:
            gone = self.labels.pop(self._random.randrange(len(self.labels)))
            self._ask("DELETE", f"labels/{gone}")
            for labels, _ in self.notes.values():
                labels.discard(gone)
        elif self.notes:
            gone = self._random.choice([*self.notes])
            self._ask("DELETE", f"notes/{gone}")
            del self.notes[gone]
            for _, notes in self.notes.values():
                notes.discard(gone)

    def entries(self, number: int) -> set[tuple[str, int, int]]:
        return {(self._user, row, each) for row, lists in self.notes.items() for each in lists[number]}


@pytest.mark.parametrize("seed", range(3))
def test_after_every_write_the_links_are_those_of_the_lists(linked_site: Site, seed: int, tmp_path: Path) -> None:
    url, random = linked_site.fresh(), Random(seed)  # noqa: S311  # repeatable, not secret
    library = linked_site.serve(url)
    writers = [Writer(library, user, random) for user in USERS]
    for number in range(120):
        random.choice(writers).write()
        if number % 10 == 9:
            found = linked(linked_site.databases.for_owner(url))
            assert found["sample_notes.label_ids"] == writers[0].entries(0) | writers[1].entries(0)
            assert found["sample_notes.note_ids"] == writers[0].entries(1) | writers[1].entries(1)
    dump = linked_site.dump(url)
    assert "_label_ids" not in dump  # the link tables are derived
    loaded = linked_site.load(dump, tmp_path)
    assert linked(linked_site.databases.for_owner(loaded)) == found
    assert linked_site.dump(loaded) == dump

    linked_site.run(loaded, "user", "erase", "alice", "--yes")
    after = linked(linked_site.databases.for_owner(loaded))
    assert after["sample_notes.label_ids"] == writers[1].entries(0)


def test_seeded_rows_are_linked_and_can_be_loaded_and_erased(linked_site: Site, tmp_path: Path) -> None:
    url = linked_site.fresh()
    linked_site.run(url, "seed", "--users", "2", "--per-user", "5")
    found = linked(linked_site.databases.for_owner(url))
    dump = linked_site.dump(url)
    loaded = linked_site.load(dump, tmp_path)

    assert all(found[f"{table}.{column}"] for table, column in LISTS)
    assert linked(linked_site.databases.for_owner(loaded)) == found
    assert linked_site.dump(loaded) == dump

    linked_site.run(loaded, "user", "erase", "user1", "--yes")
    left = {name: {entry for entry in entries if entry[0] == "user2"} for name, entries in found.items()}
    assert linked(linked_site.databases.for_owner(loaded)) == left
