"""Rows that a migration does not fit: it is refused in a sentence, leaves nothing behind, and goes on when they do."""

import pytest
from sqlalchemy import BigInteger, Column, MetaData

from app.core.data.errors import UnfitRows
from app.core.data.schema.autogenerate.scripts import make_migration
from app.core.data.schema.drift import drift
from app.core.data.schema.migrations import upgrade
from app.core.data.schema.revisions import pending
from app.core.data.tables.indexes import reference
from app.settings import Settings
from tests.core.data.schema.changes.rows import connect, is_sound
from tests.core.data.schema.changes.tables import alter, models


@pytest.fixture
def with_parents(filled: Settings) -> MetaData:
    """The models with a column that is going to be a reference, in which a row has what is no row's id."""
    metadata = models()
    alter(metadata, "tasks", Column("parent_id", BigInteger))
    make_migration("parents", metadata=metadata)
    upgrade(filled)
    with connect(filled) as connection:
        connection.execute(metadata.tables["tasks"].update().values(parent_id=99))
    return metadata


def test_a_row_that_refers_to_none_is_refused(filled: Settings, with_parents: MetaData) -> None:
    alter(with_parents, "tasks", *reference("parent_id", "tasks", on_delete="set null"))
    make_migration("references", metadata=with_parents)

    with pytest.raises(UnfitRows, match=r"tasks"):
        upgrade(filled)
    with connect(filled) as connection:
        connection.execute(with_parents.tables["tasks"].update().values(parent_id=None))
    assert pending(filled)

    upgrade(filled)
    assert drift(filled, with_parents) == []
    is_sound(filled, with_parents)
