"""Factories: rows that obey all rules of their table, made by polyfactory and stored through the session `db`."""

from collections.abc import Container, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, Final, Generic, TypeVar, cast

from polyfactory.factories.pydantic_factory import ModelFactory
from polyfactory.field_meta import FieldMeta
from polyfactory.persistence import AsyncPersistenceProtocol
from sqlmodel import SQLModel

from app.core.data.ownership.session import AppSession
from app.core.data.tables.owned import Owned
from app.core.data.tables.references import Reference, references_of
from app.core.data.transfer.factories import FACTORIES
from app.core.data.transfer.factories import factory_of as registered_factory
from app.testing.inventing import inventors_of

ModelT = TypeVar("ModelT", bound=SQLModel)
TableT = TypeVar("TableT", bound=Owned)

_FROM: Final = datetime(2000, 1, 1, tzinfo=UTC)
_TO: Final = datetime(2026, 1, 1, tzinfo=UTC)


class SessionPersistence(AsyncPersistenceProtocol[Any], Generic[TableT]):
    """Stores the rows of factories in a session that writes rows of all users."""

    def __init__(self, session: AppSession) -> None:
        self._session = session

    async def save(self, data: TableT) -> TableT:
        return (await self.save_many([data]))[0]

    async def save_many(self, data: list[TableT]) -> list[TableT]:
        async with self._session.atomic():
            self._session.add_all(data)
        return data


class RuleFactory(ModelFactory[ModelT]):
    """Makes values that obey the rules of the field types."""

    __is_base_factory__ = True
    __check_model__ = False

    @classmethod
    def get_provider_map(cls) -> dict[Any, Any]:
        # The tables refuse naive times; Faker repeats its times for the same seed.
        faker = cls.__faker__
        return {
            **super().get_provider_map(),
            datetime: lambda: faker.date_time_between(_FROM, _TO, tzinfo=UTC),
            date: lambda: faker.date_between(_FROM, _TO),
            Any: faker.word,
        }

    @classmethod
    def get_field_value(
        cls, field_meta: FieldMeta, field_build_parameters: Any = None, build_context: Any = None
    ) -> Any:
        invent = inventors_of(cls.__model__).get(field_meta.name)
        if invent is None or field_build_parameters is not None:
            return super().get_field_value(field_meta, field_build_parameters, build_context)
        return None if cls.should_set_none_value(field_meta) else invent(cls.__faker__)


class RowFactory(RuleFactory[TableT]):
    """The base of all nouns' factories: it uses the defaults of the table, and random values for the other fields.

    `build()` makes a row; `create_async()` and `create_batch_async()` make and store rows of the given `user_id`;
    `store_async()` stores rows that were built. If a required reference is not given, a row of the same user is stored
    for it.
    """

    __is_base_factory__ = True
    __use_defaults__ = True

    def __init_subclass__(cls, *args: Any, **kwargs: Any) -> None:
        super().__init_subclass__(*args, **kwargs)
        if hasattr(cls, "__model__"):  # a base class has no model
            FACTORIES.setdefault(cls.__model__, cls)

    @classmethod
    async def create_async(cls, **kwargs: Any) -> TableT:
        return (await cls.create_batch_async(1, **kwargs))[0]

    @classmethod
    async def create_batch_async(  # type: ignore[override]  # `size` may be a field
        cls, size: int, /, **kwargs: Any
    ) -> list[TableT]:
        """Make and store several rows in one transaction; rows of one user share their required references."""
        return await cls.store_async([cls.build(**kwargs) for _ in range(size)], given=kwargs)

    @classmethod
    async def store_async(cls, rows: list[TableT], given: Container[str] = ()) -> list[TableT]:
        """Store rows in one transaction. References named in `given` stay as they are."""
        for reference in references_of(cls.__model__):
            if not reference.nullable and reference.column not in given:
                await cls._refer(rows, reference)
        return await cls._get_async_persistence().save_many(rows)

    @staticmethod
    async def _refer(rows: list[TableT], reference: Reference) -> None:
        targets = {
            user: await factory_of(reference.model).create_async(user_id=user) for user in {row.user_id for row in rows}
        }
        for row in rows:
            setattr(row, reference.column, targets[row.user_id].id)


@contextmanager
def stored_through(session: AppSession) -> Iterator[None]:
    """Let all factories store their rows through this session during the block."""
    base: Any = RowFactory
    base.__async_persistence__ = SessionPersistence(session)
    try:
        yield
    finally:
        base.__async_persistence__ = None


def factory_of(model: type[TableT]) -> type[RowFactory[TableT]]:
    """Return the factory of a table. Its module must be imported; else this raises LookupError."""
    return cast("type[RowFactory[TableT]]", registered_factory(model))
