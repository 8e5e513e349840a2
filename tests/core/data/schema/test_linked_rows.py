"""The database keeps lists and links equal: in raw SQL, under a role with policies, and between two writers."""

import threading
import time
from typing import Any

import pytest
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, Text
from sqlalchemy.exc import DBAPIError

from app.core.data.connection.rls import OWNER_SETTING
from app.core.data.schema.link_differences import link_differences
from app.core.data.tables.row_ids import add_link_table
from app.testing.databases import Databases
from tests.core.data.conftest import Site
from tests.core.data.schema.changes.tables import list_of
from tests.library import Say
from tests.parts.links import linked, links_in, lists_of, opened

NOTE = "INSERT INTO sample_notes (user_id, name, label_ids, note_ids) VALUES ('{}', '{}', '{}', '[]')"
NOTES = "sample_notes", "label_ids"


@pytest.fixture
def url(linked_site: Site) -> str:
    """A database where alice has the labels 1 and 2 and a note with both, and bob has label 3 and a note with it."""
    url = linked_site.databases.for_owner(linked_site.fresh())
    with opened(url) as connection:
        for owner in ("alice", "alice", "bob"):
            connection.exec_driver_sql(f"INSERT INTO sample_labels (user_id, name) VALUES ('{owner}', 'l')")
        for owner, labels in (("alice", "[1,2]"), ("bob", "[3]")):
            connection.exec_driver_sql(NOTE.format(owner, owner, labels))
    return url


def change(url: str, *statements: str) -> dict[int, list[int]]:
    """Execute statements, and return the lists of labels afterwards, which have to be those of the links."""
    with opened(url) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    linked(url)
    with opened(url) as connection:
        return {row_id: ids for (_, row_id), ids in lists_of(connection, *NOTES).items()}


def test_a_list_that_changes_changes_its_links(url: str) -> None:
    assert change(url, "UPDATE sample_notes SET label_ids = '[2]' WHERE id = 1") == {1: [2], 2: [3]}
    assert change(url, "UPDATE sample_notes SET label_ids = '[1,2]' WHERE id = 1") == {1: [1, 2], 2: [3]}
    assert change(url, "UPDATE sample_notes SET label_ids = '[]'") == {1: [], 2: []}


def test_a_deleted_target_leaves_the_lists_and_their_rows_are_changed(url: str) -> None:
    with opened(url) as connection:
        connection.exec_driver_sql("UPDATE sample_notes SET updated_at = '2020-01-01 00:00:00'")
    assert change(url, "DELETE FROM sample_labels WHERE id = 1") == {1: [2], 2: [3]}
    with opened(url) as connection:
        times = connection.exec_driver_sql("SELECT updated_at FROM sample_notes ORDER BY id").scalars()
        assert [str(time).startswith("2020") for time in times] == [False, True]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM sample_labels",
        "DELETE FROM sample_notes",
        "DELETE FROM sample_labels WHERE user_id = 'alice'",
        "UPDATE sample_notes SET label_ids = label_ids",
        "UPDATE sample_notes SET note_ids = '[1]' WHERE id = 1",
    ],
)
def test_many_rows_are_written_at_once(url: str, statement: str) -> None:
    change(url, statement)


def test_a_row_that_lists_itself_can_go(url: str) -> None:
    change(url, "UPDATE sample_notes SET note_ids = '[1]' WHERE id = 1")

    assert change(url, "DELETE FROM sample_notes WHERE id = 1") == {2: [3]}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sample_notes SET label_ids = '[3]' WHERE id = 1",
        "UPDATE sample_notes SET label_ids = '[1,2,3]' WHERE id = 1",
        "UPDATE sample_notes SET label_ids = '[99]' WHERE id = 1",
        "UPDATE sample_notes SET label_ids = '[1,1]' WHERE id = 2",
        "UPDATE sample_notes SET label_ids = '[null]' WHERE id = 1",
        "UPDATE sample_notes SET label_ids = '[\"x\"]' WHERE id = 1",
        "UPDATE sample_notes SET label_ids = '[1.5]' WHERE id = 1",
        "UPDATE sample_notes SET label_ids = '[\"1\"]' WHERE id = 2",
        "UPDATE sample_notes SET label_ids = '[1,true]' WHERE id = 2",
        NOTE.format("alice", "other", "[null]"),
        NOTE.format("alice", "other", '["1"]'),
        NOTE.format("alice", "other", "[1.0]"),
        "UPDATE sample_notes SET label_ids = '1' WHERE id = 1",
        "UPDATE sample_notes SET label_ids = '{\"a\":1}' WHERE id = 1",
        "UPDATE sample_notes SET label_ids = '[1' WHERE id = 1",
        "UPDATE sample_notes SET label_ids = NULL WHERE id = 1",
        NOTE.format("alice", "other", "[3]"),
        NOTE.format("alice", "other", "[1,99]"),
        NOTE.format("alice", "other", "7"),
        "INSERT INTO sample_notes_label_ids VALUES ('alice', 1, 3)",
        "INSERT INTO sample_notes_label_ids VALUES ('bob', 1, 3)",
        "INSERT INTO sample_notes_label_ids VALUES ('alice', 2, 3)",
        "UPDATE sample_notes_label_ids SET user_id = 'bob' WHERE row_id = 1",
        "UPDATE sample_notes_label_ids SET target_id = 3 WHERE row_id = 1",
    ],
)
def test_raw_sql_cannot_link_rows_of_two_owners_or_store_anything_but_ids(url: str, statement: str) -> None:
    before = linked(url)
    with pytest.raises(DBAPIError), opened(url) as connection:
        connection.exec_driver_sql(statement)

    assert linked(url) == before


def tables() -> MetaData:
    """The tables of the notes, as far as the comparison reads them."""
    metadata, column = MetaData(), list_of("label_ids", "sample_labels")
    notes = Table("sample_notes", metadata, Column("id", BigInteger), Column("user_id", Text), column)
    add_link_table(notes, column)
    return metadata


def test_links_that_differ_from_the_lists_are_found(url: str) -> None:
    with opened(url) as connection:
        assert [*link_differences(connection, tables())] == []
        connection.exec_driver_sql("DELETE FROM sample_notes_label_ids WHERE target_id = 2")
        connection.exec_driver_sql("INSERT INTO sample_labels (user_id, name) VALUES ('alice', 'l')")
        connection.exec_driver_sql("INSERT INTO sample_notes_label_ids VALUES ('alice', 1, 4)")

        assert [*link_differences(connection, tables())] == [
            "sample_notes.label_ids and its link table sample_notes_label_ids differ in 2 entries."
        ]


@pytest.fixture
def restricted_url(links: Say, restricted: Databases) -> tuple[str, str]:
    """The URLs of a database for a role with policies, and for the owner of its tables."""
    url = Site(links, restricted).fresh()
    return url, restricted.for_owner(url)


def as_owner(connection: Connection, owner: str) -> None:
    connection.exec_driver_sql(f"SELECT set_config('{OWNER_SETTING}', '{owner}', false)")


def test_a_role_with_policies_writes_links_of_its_owner_only(restricted_url: tuple[str, str]) -> None:
    url, owner_url = restricted_url
    with opened(url) as connection:
        for owner in ("alice", "bob"):
            as_owner(connection, owner)
            connection.exec_driver_sql(f"INSERT INTO sample_labels (user_id, name) VALUES ('{owner}', 'l')")
            label = connection.exec_driver_sql("SELECT id FROM sample_labels").scalar()
            connection.exec_driver_sql(NOTE.format(owner, owner, f"[{label}]"))
    with opened(url) as connection:
        as_owner(connection, "mallory")
        assert links_in(connection, *NOTES) == set()
        assert connection.exec_driver_sql("DELETE FROM sample_notes_label_ids").rowcount == 0
    with pytest.raises(DBAPIError, match="row-level security"), opened(url) as connection:
        as_owner(connection, "mallory")
        connection.exec_driver_sql("INSERT INTO sample_notes_label_ids VALUES ('alice', 1, 1)")
    with opened(url) as connection:
        as_owner(connection, "bob")
        connection.exec_driver_sql("DELETE FROM sample_labels")
        assert lists_of(connection, *NOTES) == {("bob", 2): []}

    assert linked(owner_url)["sample_notes.label_ids"] == {("alice", 1, 1)}


class Writer(threading.Thread):
    """Executes a statement in a transaction that stays open; `result` is its error, or None."""

    def __init__(self, url: str, *statements: str) -> None:
        super().__init__()
        self._url, self._statements = url, statements
        self.error: Any = None
        self._executed, self._finish, self.pid = threading.Event(), threading.Event(), 0

    def run(self) -> None:
        try:
            with opened(self._url) as connection:
                self.pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
                for statement in self._statements:
                    connection.exec_driver_sql(statement)
                self._executed.set()
                self._finish.wait(20)
        except DBAPIError as error:
            self.error = error.orig
        finally:
            self._executed.set()

    def executed(self) -> "Writer":
        self.start()
        assert self._executed.wait(20)
        return self

    def blocked(self) -> "Writer":
        """Wait until the other writer is in the way."""
        self.start()
        with opened(self._url) as connection:
            for _ in range(2000):
                if connection.exec_driver_sql(f"SELECT cardinality(pg_blocking_pids({self.pid}))").scalar():
                    return self
                time.sleep(0.005)
        raise AssertionError("nothing was in its way")

    def commit(self) -> "Writer":
        self._finish.set()
        self.join(20)
        return self


ADD = "UPDATE sample_notes SET label_ids = '[1,2]' WHERE id = 1"
KEEP = "UPDATE sample_notes SET label_ids = '[1]' WHERE id = 1"
DELETE = "DELETE FROM sample_labels WHERE id = 2"
CREATE = NOTE.format("alice", "new", "[2]")


@pytest.fixture
def contended(links: Say, postgres: Databases) -> str:
    """A database where alice has four labels, the note 1 with label 1, and the note 2 with the labels 1 and 2."""
    url = Site(links, postgres).fresh()
    with opened(url) as connection:
        for _ in range(4):
            connection.exec_driver_sql("INSERT INTO sample_labels (user_id, name) VALUES ('alice', 'l')")
        for name, labels in (("a", "[1]"), ("b", "[1,2]")):
            connection.exec_driver_sql(NOTE.format("alice", name, labels))
    return url


@pytest.mark.parametrize("write", [ADD, CREATE])
def test_a_label_that_another_transaction_deletes_cannot_be_listed(contended: str, write: str) -> None:
    first = Writer(contended, DELETE).executed()
    second = Writer(contended, write).blocked()
    first.commit()
    second.commit()

    assert type(second.error).__name__ == "ForeignKeyViolation"
    assert second.error.diag.constraint_name == "fk_sample_notes_label_ids_user_id_target_id"
    assert not [entry for entry in linked(contended)["sample_notes.label_ids"] if entry[2] == 2]


@pytest.mark.parametrize("write", [ADD, CREATE])
def test_a_deletion_waits_for_a_transaction_that_lists_the_label(contended: str, write: str) -> None:
    first = Writer(contended, write).executed()
    second = Writer(contended, DELETE).blocked()
    first.commit()

    assert (first.error, second.commit().error) == (None, None)
    assert not [entry for entry in linked(contended)["sample_notes.label_ids"] if entry[2] == 2]


@pytest.mark.parametrize("labels", ["[2,4]", "[4]", "[]"])
def test_a_list_that_changes_while_one_of_its_labels_is_deleted_loses_only_that(contended: str, labels: str) -> None:
    first = Writer(contended, f"UPDATE sample_notes SET label_ids = '{labels}' WHERE id = 2").executed()
    second = Writer(contended, DELETE).blocked()
    first.commit()

    assert (first.error, second.commit().error) == (None, None)
    assert ("alice", 2, 4) in linked(contended)["sample_notes.label_ids"] or labels == "[]"


def test_two_changes_of_one_list_follow_each_other(contended: str) -> None:
    first = Writer(contended, ADD).executed()
    second = Writer(contended, "UPDATE sample_notes SET label_ids = '[2,4]' WHERE id = 1").blocked()
    first.commit()

    assert (first.error, second.commit().error) == (None, None)
    assert {entry for entry in linked(contended)["sample_notes.label_ids"] if entry[1] == 1} == {
        ("alice", 1, 2),
        ("alice", 1, 4),
    }


def test_two_lists_with_the_same_label_do_not_wait_for_each_other(contended: str) -> None:
    first = Writer(contended, ADD).executed()
    second = Writer(contended, CREATE).executed()

    assert (first.commit().error, second.commit().error) == (None, None)
    linked(contended)
