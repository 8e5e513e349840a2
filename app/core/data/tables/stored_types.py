"""Column types that store a value in another form, with a CHECK constraint for that form."""

from abc import abstractmethod
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, MetaData, Table, TypeDecorator, event
from sqlmodel import SQLModel


class StoredType(TypeDecorator[Any]):
    """The base of these types. A dump holds what a client sees, and a migration only what the database stores."""

    __abstract__ = True
    impl: Any
    in_migrations: ClassVar[str]
    """The type as Python code of a migration, which imports nothing of this application."""

    @abstractmethod
    def check(self, column: str) -> CheckConstraint:
        """Return the CHECK constraint of a column of this type; it is named after the column."""

    @property
    @abstractmethod
    def dumped(self) -> Any:
        """The type of a value in a dump, for msgspec."""

    @abstractmethod
    def parse(self, text: str) -> Any:
        """Return the value that an author writes as `text`; ValueError if it is none."""

    @abstractmethod
    def literal(self, value: Any) -> Any:
        """Return what the database stores for a value, as a number or a text that both databases read alike."""


@event.listens_for(Table, "after_parent_attach")
def _add_checks(table: Table, metadata: MetaData) -> None:
    if metadata is SQLModel.metadata:
        for column in table.columns:
            if isinstance(column.type, StoredType):
                table.append_constraint(column.type.check(column.name))
