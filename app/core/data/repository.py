"""The repository: what can be done with the rows of one table, on top of advanced-alchemy's.

Its own five methods are one statement each and carry its name: they select, insert, update and delete columns, not
entities, because an entity costs ten times a row. The session adds the owner to every one of them. What is inherited
works on entities; the inherited methods that lose data or run past the owner's filter are closed.
"""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any, Generic, NamedTuple, NoReturn, TypeVar, cast

from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    Table,
    bindparam,
    delete,
    func,
    inspect,
    select,
    true,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.dml import ReturningDelete, ReturningUpdate

from app.core.data.errors import ClosedMethod, RowNotFound
from app.core.data.fields import MAX_ID
from app.core.data.owned import Owned
from app.core.data.session import AppSession
from app.core.data.statements import of_owner

TableT = TypeVar("TableT", bound=Owned)


class Slice(NamedTuple):
    """Part of a list: its rows, whether there are more behind them, and how many in all, if that was asked."""

    rows: Sequence[Any]
    more: bool
    total: int | None


def _closed(name: str, instead: str) -> Any:
    async def refuse(*_: Any, **__: Any) -> NoReturn:
        raise ClosedMethod(f"Repository.{name}() can lose data or reach other owners' rows; use {instead} instead.")

    return refuse


class Repository(SQLAlchemyAsyncRepository[TableT], Generic[TableT]):
    """The rows of one table that belong to the session's owner. A noun with a question of its own derives from it."""

    session: AppSession
    count_with_window_function = False  # its total is 0 for a page past the end

    update = _closed("update", "update_one()")
    update_many = _closed("update_many", "update_one() inside atomic()")
    upsert = _closed("upsert", "insert_one() or update_one()")
    upsert_many = _closed("upsert_many", "insert_one() or update_one() inside atomic()")
    get_and_update = _closed("get_and_update", "update_one()")
    get_or_upsert = _closed("get_or_upsert", "insert_one() or update_one()")
    list = _closed("list", "select_page() or get_many()")
    list_and_count = _closed("list_and_count", "select_page() or get_many_and_count()")
    check_health = _closed("check_health", "the readiness check")

    def __init__(self, *, session: AppSession) -> None:
        # auto_refresh would read each new row once more; every default is known without asking.
        super().__init__(session=session, auto_refresh=False)

    @classmethod
    @cache
    def of(cls, model: type[TableT]) -> "type[Repository[TableT]]":
        """Return the repository class of a table."""
        return type(f"{model.__name__}{cls.__name__}", (cls,), {"model_type": model})

    async def select_page(self, limit: int, offset: int, *, count: bool = False) -> Slice:
        """Return `limit` rows behind the first `offset`, in the order of their ids.

        With `count` the total comes in the same statement, so the two agree, also for a page past the end.
        """
        if count:
            return await self._select_page_and_total(limit, offset)
        rows = (await self.session.execute(_page_of(self.model_type), {"limit": limit + 1, "offset": offset})).all()
        return Slice(rows[:limit], len(rows) > limit, None)

    async def select_one(self, row_id: int) -> Row[Any]:
        """Return one row.

        Raises:
            RowNotFound: it does not exist, or belongs to somebody else.
        """
        return await self._one(_select_of(self.model_type), {"_id": row_id})

    async def insert_one(self, values: Mapping[str, Any]) -> Row[Any]:
        """Store one row for the session's owner and return it."""
        return await self.session.insert_row(self.model_type, values)

    async def update_one(self, row_id: int, values: Mapping[str, Any]) -> Row[Any]:
        """Change the given columns of one row, and no other, and return it; no values change nothing.

        Raises:
            RowNotFound: it does not exist, or belongs to somebody else.
        """
        if not values:
            return await self.select_one(row_id)
        return await self._one(_update_of(self.model_type), {"_id": row_id, **values})

    async def delete_one(self, row_id: int) -> None:
        """Delete one row.

        Raises:
            RowNotFound: it does not exist, or belongs to somebody else.
        """
        await self._one(_delete_of(self.model_type), {"_id": row_id})

    async def add_many(self, data: Any, **kwargs: Any) -> Sequence[TableT]:
        """Store several new rows, all of them or none."""
        async with self.session.atomic():
            return await super().add_many(data, **kwargs)

    async def _one(self, statement: Any, parameters: dict[str, Any]) -> Row[Any]:
        # A number that no row can have is not sent: PostgreSQL would refuse it where SQLite finds nothing.
        if not 0 < parameters["_id"] <= MAX_ID:
            raise RowNotFound(self.model_type)
        row: Row[Any] | None = (await self.session.execute(statement, parameters)).one_or_none()
        if row is None:
            raise RowNotFound(self.model_type)
        return row

    async def _select_page_and_total(self, limit: int, offset: int) -> Slice:
        statement = _page_and_total_of(self.model_type)
        rows = (await self.session.execute(statement, {"limit": limit + 1, "offset": offset})).all()
        found = [row[1:] for row in rows if row[1] is not None]
        return Slice(found[:limit], len(found) > limit, rows[0][0])


# Each statement is built once for a table; only its parameters change.


@cache
def columns_of(model: type[Owned]) -> tuple[InstrumentedAttribute[Any], ...]:
    """Return a table's columns as mapped attributes, in the order in which every row here carries them."""
    return tuple(getattr(model, attribute.key) for attribute in inspect(model).column_attrs)


def _table_of(model: type[Owned]) -> Table:
    return cast("Table", inspect(model).local_table)


@cache
def _page_of(model: type[Owned]) -> Select[Any]:
    return of_owner(partial(_page, _table_of(model)), model)


def _page(table: Table, mine: ColumnElement[bool]) -> Select[Any]:
    page = select(*table.c).where(mine).order_by(table.c.id)
    return page.limit(bindparam("limit", type_=BigInteger)).offset(bindparam("offset", type_=BigInteger))


@cache
def _page_and_total_of(model: type[Owned]) -> Select[Any]:
    """The page joined to the count, which is there even when the page is empty."""
    table = _table_of(model)

    def write(mine: ColumnElement[bool]) -> Select[Any]:
        total = select(func.count().label("rows")).select_from(table).where(mine).subquery("total")
        page = _page(table, mine).subquery("page")
        return select(total.c.rows, *page.c).select_from(total.outerjoin(page, true())).order_by(page.c.id)

    return of_owner(write, model)


@cache
def _select_of(model: type[Owned]) -> Select[Any]:
    table = _table_of(model)
    return of_owner(lambda mine: select(*table.c).where(_is_asked_for(table), mine), model)


@cache
def _update_of(model: type[Owned]) -> ReturningUpdate[Any]:
    table = _table_of(model)
    return of_owner(lambda mine: update(table).where(_is_asked_for(table), mine).returning(*table.c), model)


@cache
def _delete_of(model: type[Owned]) -> ReturningDelete[Any]:
    table = _table_of(model)
    return of_owner(lambda mine: delete(table).where(_is_asked_for(table), mine).returning(table.c.id), model)


def _is_asked_for(table: Table) -> ColumnElement[bool]:
    return table.c.id == bindparam("_id", type_=BigInteger)
