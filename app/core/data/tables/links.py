"""Links: the `refs()` fields of a table, with their targets and link tables."""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from sqlalchemy import Table
from sqlmodel import SQLModel

from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import owned_models, owned_table_names, table_of
from app.core.data.tables.row_ids import ROW_ID, TARGET_ID, link_tables


class Link(NamedTuple):
    """A column with a list of ids, and the table that has a row for each of them."""

    column: str
    model: type[Owned]
    """The target: the class of the rows that the ids name."""
    table: Table
    row_column: str = ROW_ID
    """The column of the link table with the id of the row that has the list."""
    target_column: str = TARGET_ID
    """The column of the link table with the id of the target."""


@cache
def links_of(model: type[Owned]) -> tuple[Link, ...]:
    """Return the links of a table, in the order of their columns."""
    models, name = {table_of(other).name: other for other in owned_models()}, table_of(model).name
    found = [each for each in link_tables(SQLModel.metadata.tables.values()) if each.source == name]
    links = (Link(each.column, models[each.target], each.table) for each in found if each.target in models)
    return tuple(sorted(links, key=lambda link: link.column))


def missing_link_targets() -> Iterator[str]:
    """Yield a sentence for each list of ids of a table that is missing, or has no owner."""
    names = owned_table_names()
    for link in link_tables(SQLModel.metadata.tables.values()):
        if link.target not in names:
            known = f"they are {', '.join(sorted(names))}"
            yield f"{link.source}.{link.column}: refs() names {link.target!r}, which is not a table of users; {known}."
