"""The files that come of a change."""

import pytest

from app.core.data.schema.autogenerate.scripts import make_migration
from tests.core.data.schema.changes.kinds import KINDS
from tests.core.data.schema.changes.tables import models


@pytest.mark.parametrize("noun", ["tasks", "notes"])
def test_a_key_is_dropped_where_the_next_one_is_made(noun: str, migrations: str) -> None:
    metadata = models()
    KINDS["the fate of what refers changes"].change(metadata, noun)

    written = make_migration("fate", metadata=metadata)

    texts = [path.read_text().partition("def downgrade")[0] for path, _ in written]
    (text,) = [text for text in texts if "drop_constraint" in text]
    assert "with op.online():" in text
    assert text.index("drop_constraint") < text.index("create_foreign_key")


@pytest.mark.parametrize(
    ("name", "is_online"), [("a flag", [False]), ("an index", [True]), ("a reference to itself", [False, True])]
)
def test_what_reads_all_rows_has_a_file_of_its_own(name: str, is_online: list[bool], migrations: str) -> None:
    metadata = models()
    KINDS[name].change(metadata, "tasks")

    written = make_migration("change", metadata=metadata)

    assert ["with op.online():" in path.read_text() for path, _ in written] == is_online
    assert all(sentences for _, sentences in written)
