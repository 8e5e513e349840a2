"""Folds in migrations: a new one is filled, a renamed one keeps its values, and no dropped one is a loss."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy import Column, Index, MetaData, Table, UniqueConstraint, select, text
from sqlmodel.sql.sqltypes import AutoString

from app.core.data.errors import UnfitRows
from app.core.data.schema.autogenerate.answers import Answers
from app.core.data.schema.autogenerate.scripts import make_migration
from app.core.data.schema.fold_backfill import fill_folds, folded_texts
from app.core.data.schema.migrations import downgrade, upgrade
from app.core.data.schema.running.backoff import Backoff
from app.core.data.tables.folds import Fold
from app.core.data.tables.queryable import HIDDEN
from app.settings import Settings
from tests.core.data.schema.changes.rows import connect, is_sound
from tests.core.data.schema.changes.tables import alter, models
from tests.parts.history import NEXT


def with_fold(name: str = "title", *rules: Any) -> MetaData:
    """The models, with the fold of a text of notes, and its index."""
    metadata = models()
    add_fold(metadata, name, *rules)
    return metadata


def add_fold(metadata: MetaData, name: str, *rules: Any) -> None:
    fold = f"{name}_fold"
    column: Column[str] = Column(fold, Fold(400), info={HIDDEN: name})
    alter(metadata, "notes", column, *(rules or [Index(None, "user_id", fold, "id")]))


def folds(settings: Settings, name: str = "title_fold") -> list[Any]:
    with connect(settings) as connection:
        return list(connection.execute(text(f"SELECT {name} FROM notes ORDER BY id")).scalars())


@pytest.fixture
def titled(filled: Settings) -> Settings:
    """A database in which the notes have different titles."""
    with connect(filled) as connection:
        notes = models().tables["notes"]
        connection.execute(notes.update().where(notes.c.id == 1).values(title="ÉÀ"))
    return filled


def test_a_new_fold_is_filled_in_the_rows_that_exist(titled: Settings) -> None:
    before = versions(titled)
    after = with_fold()

    written = make_migration("sortable", metadata=after)
    upgrade(titled)

    assert "computes the fold of notes.title in the rows that exist" in str([each.sentences for each in written])
    assert folds(titled) == ["ea", "notes 2"]
    assert versions(titled) == before
    is_sound(titled, after)
    downgrade(titled, NEXT)
    is_sound(titled, models())
    upgrade(titled)
    assert folds(titled) == ["ea", "notes 2"]


def versions(settings: Settings) -> list[Any]:
    with connect(settings) as connection:
        return list(connection.execute(select(models().tables["notes"].c.updated_at)).scalars())


def test_a_fold_is_renamed_with_its_text(titled: Settings) -> None:
    make_migration("sortable", metadata=with_fold())
    upgrade(titled)
    after = models()
    alter(after, "notes", columns={"title": Column("headline", AutoString(200), nullable=False)})
    add_fold(after, "headline")

    make_migration("rename", Answers(renames={"notes.title": "headline"}), after)
    upgrade(titled)

    assert folds(titled, "headline_fold") == ["ea", "notes 2"]
    is_sound(titled, after)


@pytest.mark.parametrize("filled", ["sqlite_databases"], indirect=True)
def test_a_fold_that_is_no_longer_needed_is_no_loss_and_no_rename(titled: Settings) -> None:
    make_migration("sortable", metadata=with_fold())
    upgrade(titled)
    after = models()
    alter(after, "notes", Column("subtitle", AutoString(200)))

    make_migration("plain", Answers(), after)
    upgrade(titled)

    is_sound(titled, after)


def test_rows_with_one_fold_do_not_fit_a_folded_unique_rule(titled: Settings) -> None:
    with connect(titled) as connection:
        notes = models().tables["notes"]
        connection.execute(notes.insert().values(user_id="alice", title="EA"))
    make_migration("unique", metadata=with_fold("title", UniqueConstraint("user_id", "title_fold")))

    with pytest.raises(UnfitRows, match="notes"):
        upgrade(titled)


def test_folds_of_another_version_are_found_and_filled(titled: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    after = with_fold()
    make_migration("sortable", metadata=after)
    upgrade(titled)
    with connect(titled) as connection:
        connection.execute(text("INSERT INTO notes (user_id, title) VALUES ('alice', 'Ö')"))
        connection.execute(text("UPDATE notes SET title = 'Ü' WHERE id = 1"))
    monkeypatch.setattr("app.core.data.schema.migrations.fill_folds", partial(fill_folds, metadata=after))

    assert stale(titled, after) == 2
    heard: list[str] = []
    upgrade(titled, backoff=Backoff(report=heard.append))

    assert folds(titled) == ["u", "notes 2", "o"]
    assert stale(titled, after) == 0
    assert heard == ["filled the fold of title in 2 rows of notes"]


def stale(settings: Settings, metadata: MetaData) -> int:
    with connect(settings) as connection:
        return sum(each.count_stale(connection) for each in folded_texts(connection, metadata))


def test_a_table_that_the_database_lacks_has_no_folds_to_fill(titled: Settings) -> None:
    later = MetaData()
    Table("later", later, Column("title", AutoString(200)), Column("title_fold", Fold(400), info={HIDDEN: "title"}))

    assert stale(titled, later) == 0
