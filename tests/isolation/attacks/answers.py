"""What an attack brought back, taken apart: the ids and the owners that a caller could read in it."""

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Row

from app.core.data.repository.pages import Page
from app.core.data.tables.owned import Owned


def found(answer: Any) -> Iterator[Any]:
    """Flatten what came back into ids and owners."""
    if isinstance(answer, Owned):
        yield from (answer.id, answer.user_id)
    elif isinstance(answer, Page):
        yield from found(answer.rows)
    elif isinstance(answer, msgspec.Struct):  # a row, a result of `select_as()`, or figures
        row: Any = answer
        yield from (row.id, row.user_id) if hasattr(row, "id") else found(msgspec.structs.astuple(row))
    elif isinstance(answer, Row | list | tuple):
        for part in answer:
            yield from found(part)
    else:
        yield answer
