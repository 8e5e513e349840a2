"""Link differences: compares the link tables of a live database with the lists in the rows."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, MetaData, inspect, text

from app.core.data.schema.quoting import quoted
from app.core.data.tables.indexes import OWNER_COLUMN
from app.core.data.tables.row_ids import ROW_ID, TARGET_ID, LinkTable, link_tables

_ENTRIES: Final = {
    "postgresql": "SELECT {owner}, id, CAST(entry AS bigint) FROM {table}, jsonb_array_elements({column}) AS entry",
    "sqlite": "SELECT {owner}, {table}.id, entry.value FROM {table}, json_each({column}) AS entry",
}


def link_differences(connection: Connection, metadata: MetaData) -> Iterator[str]:
    """Yield a sentence for each list of ids whose link table has other entries; it reads all rows of these tables."""
    for link in link_tables(metadata.tables.values()):
        if not _is_there(link, connection):
            continue  # the comparison of the tables reports it
        count = connection.execute(text(_count_of(link, connection.dialect.name))).scalar()
        if count:
            yield f"{link.source}.{link.column} and its link table {link.table.name} differ in {count} entries."


def _is_there(link: LinkTable, connection: Connection) -> bool:
    there = inspect(connection)
    if not (there.has_table(link.source) and there.has_table(link.table.name)):
        return False
    return link.column in {column["name"] for column in there.get_columns(link.source)}


def _count_of(link: LinkTable, dialect: str) -> str:
    names = {
        "owner": OWNER_COLUMN,
        "table": quoted(link.source),
        "column": f"{quoted(link.source)}.{quoted(link.column)}",
    }
    entries = _ENTRIES[dialect].format(**names)
    links = f"SELECT {OWNER_COLUMN}, {ROW_ID}, {TARGET_ID} FROM {quoted(link.table.name)}"
    missing, surplus = (
        f"SELECT * FROM ({one} EXCEPT {two}) AS {name}"
        for one, two, name in ((entries, links, "missing"), (links, entries, "surplus"))
    )
    return f"SELECT count(*) FROM ({missing} UNION ALL {surplus}) AS different"
