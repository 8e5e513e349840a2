"""Folds: the form of a text in which texts are sorted and searched, the same on every database."""

# Problem: SQLite ignores the case of ASCII letters only, and PostgreSQL sorts by the locale of the database, so one
# query would have different answers, and a page could not continue another one. Decision: the application folds the
# text, stores the result in a hidden column, and the databases compare its bytes. Cost: the text is stored twice.

import re
from typing import Any, Final
from unicodedata import normalize

from sqlalchemy import Column, Text, TypeDecorator

LONGEST_FOLD: Final = 400
"""The number of characters after which the fold of a short text is cut, so that an index can hold it."""

_ACCENTS: Final = re.compile("[\u0300-\u036f]+")


def fold(text: str) -> str:
    """Return a text without differences of case, accents and compatible characters: `Übér ﬁt` is `uber fit`."""
    if text.isascii():
        return text.lower()
    plain = normalize("NFKD", normalize("NFKD", text).casefold())
    return normalize("NFC", _ACCENTS.sub("", plain))


def is_fold(column: Column[Any]) -> bool:
    """Return whether a column of a model or of a migration has folds."""
    variant = column.type._variant_mapping.get("postgresql")
    return isinstance(column.type, Fold) or getattr(variant, "collation", None) == "C"


class Fold(TypeDecorator[str]):
    """The fold of a bound text, cut at a number of characters; its order is that of the bytes."""

    impl = Text
    cache_ok = True

    def __init__(self, cut: int | None = None) -> None:
        super().__init__()
        self.cut = cut

    def load_dialect_impl(self, dialect: Any) -> Any:
        # Not `dialect.type_descriptor(...)`, which would make it a VARCHAR.
        return Text(collation="C") if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else fold(value)[: self.cut]
