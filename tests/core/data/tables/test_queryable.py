"""Queryable fields: each sortable field has an index, each text a fold, and wrong names end the start."""

from types import new_class
from typing import Any

import pytest
from sqlalchemy import Column, Index, MetaData, Table

from app.core.data.errors import InvalidDeclaration
from app.core.data.tables import (
    Fields,
    Instant,
    NonBlankText,
    Owned,
    PlainText,
    index,
    instant,
    long_text,
    text,
    unique,
)
from app.core.data.tables.queryable import HIDDEN, fold_of, order_column, queryable_items
from app.core.data.tables.registry import visible_columns


class NoteFields(Fields):
    """A title, a long text and a time."""

    title: NonBlankText = text("A title.", max_length=200)
    body: PlainText | None = long_text("A text.")
    title_2: NonBlankText = text("Another title.", max_length=300)
    label: PlainText | None = None
    fit: PlainText | None = text("Whether it fits.", max_length=10)
    fit_fold: PlainText | None = text("How it is folded.", max_length=10)
    due_at: Instant | None = instant("A time.")


class Note(NoteFields):
    """The fields of a table that can be sorted and searched."""

    __sortable__ = ("title", "due_at")
    __searchable__ = ("title", "body")


def test_a_sortable_field_has_an_index_and_a_text_a_hidden_fold() -> None:
    fields = [Column[Any](name) for name in ("user_id", "id", "title", "body", "due_at")]
    table = Table("notes", MetaData(), *fields, *queryable_items(Note))

    assert {tuple(index.columns.keys()) for index in table.indexes} == {
        ("user_id", "title_fold", "id"),
        ("user_id", "due_at", "id"),
    }
    assert visible_columns(table) == fields
    assert order_column(table, "title") is fold_of(table, "title")
    assert order_column(table, "due_at") is table.c.due_at


def test_the_fold_of_a_short_text_is_cut_so_that_an_index_can_hold_it() -> None:
    folds: Any = [item for item in queryable_items(Note) if isinstance(item, Column)]

    assert {column.info[HIDDEN]: column.type.cut for column in folds} == {"title": 400, "body": None}
    assert not any(isinstance(item, Index) and "body_fold" in item.columns for item in queryable_items(Note))


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ({"__sortable__": ("titel",)}, "'titel' is not one of its fields"),
        ({"__sortable__": ("user_id",)}, "'user_id' is not one of its fields"),
        ({"__sortable__": ("body",)}, "cannot be sorted by 'body'"),
        ({"__sortable__": ("title", "title")}, "'title' is there twice"),
        ({"__sortable__": "title"}, "__sortable__ is not a tuple"),
        ({"__searchable__": ("due_at",)}, "'due_at' is not a text"),
        ({"__indexes__": (unique("due_at", folded=True),)}, r"unique\('due_at', folded=True\) names no text"),
        ({"__indexes__": (unique("body", folded=True),)}, r"body is a long_text\(\), which is too long"),
        ({"__indexes__": (unique("body"),)}, "its values can have 41,040 bytes"),
        ({"__indexes__": (unique("title", "title_2"),)}, "have about 417 characters together"),
        ({"__indexes__": (index("label"),)}, "label has no maximum length"),
        ({"__sortable__": ("label",)}, "label has no maximum length"),
        ({"__sortable__": ("fit",)}, "fit_fold: fit is sorted, searched or unique, and its fold has this name"),
    ],
)
def test_a_wrong_name_is_refused_when_the_class_is_made(declared: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidDeclaration, match=sentence):
        new_class(
            "Wrong", (NoteFields, Owned), {"table": True}, lambda body: body.update(__tablename__="wrongs", **declared)
        )
