"""Tables that refer to each other, described by their references alone."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, MetaData, Table, Text
from sqlmodel import SQLModel

from app.core.data.tables.indexes import ON_DELETE

Columns = Mapping[str, str]


def tables(*described: tuple[str, Columns]) -> MetaData:
    """Tables by themselves."""
    metadata = MetaData()
    add_tables(metadata, *described)
    return metadata


@contextmanager
def models_with(*described: tuple[str, Columns]) -> Iterator[MetaData]:
    """The tables of the models, and these, while the block runs."""
    add_tables(SQLModel.metadata, *described)
    try:
        yield SQLModel.metadata
    finally:
        for name, _ in described:
            SQLModel.metadata.remove(SQLModel.metadata.tables[name])


def add_tables(metadata: MetaData, *described: tuple[str, Columns]) -> None:
    """Tables by their references: column to table, which is required where it has no `?`, and cleared with `??`."""
    for name, columns in described:
        made: list[Any] = [
            Column(column, BigInteger, nullable=target.endswith("?")) for column, target in columns.items()
        ]
        keys = [_key(name, column, target) for column, target in columns.items()]
        Table(name, metadata, Column("user_id", Text, nullable=False), Column("id", BigInteger), *made, *keys)


def _key(name: str, column: str, described: str) -> ForeignKeyConstraint:
    target = described.rstrip("?")
    key = ForeignKeyConstraint(["user_id", column], [f"{target}.user_id", f"{target}.id"], name=f"fk_{name}_{column}")
    key.info[ON_DELETE] = "set null" if described.endswith("??") else "restrict"
    return key
