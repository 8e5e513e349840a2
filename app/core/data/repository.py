"""The repository: what can be done with the rows of one table, on top of advanced-alchemy's.

Its own five methods are one statement each and carry its name: they select, insert, update and delete columns and
return Structs, because an entity costs ten times a row. The session adds the owner to every one. What is inherited
works on entities; the inherited methods that lose data or run past the owner's filter are closed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any, Final, Generic, NamedTuple, NoReturn, Protocol, TypeVar, cast

from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from sqlalchemy import (
    BigInteger,
    BinaryExpression,
    Column,
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    false,
    func,
    inspect,
    select,
    true,
    update,
)
from sqlalchemy.sql.dml import ReturningDelete, ReturningUpdate

from app.core.data.errors import ClosedMethod, RowChanged, RowNotFound
from app.core.data.fields import CHANGED_AT, MAX_ID
from app.core.data.owned import OWNER_COLUMN, Owned
from app.core.data.plans import Statement, Values
from app.core.data.rows import Row, row_struct
from app.core.data.session import AppSession
from app.core.data.statements import of_owner

TableT = TypeVar("TableT", bound=Owned)


# What advanced-alchemy's constructor works out is the same for every session; it took one part in sixteen of a request.
_ATTRIBUTES: Final[dict[tuple[type, str], dict[str, Any]]] = {}


class Write(Protocol):
    """What writes the statement about one row, in any state or in the one that was seen."""

    def __call__(self, model: type[Owned], *, in_state: bool) -> Statement:
        """Return it; it is written once."""


class Cut(NamedTuple):
    """Which part of a list is asked for: `limit` rows after or before an id, or behind the first `offset`."""

    limit: int
    offset: int = 0
    after: int = 0
    before: int | None = None
    total: bool = False


class Slice(NamedTuple):
    """Part of a list: its rows, whether there are more in its direction, and how many in all, if that was asked."""

    rows: list[Row]
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
        kind = type(self), session.dialect.name
        if kind not in _ATTRIBUTES:
            # auto_refresh would read each new row once more; every default is known without asking.
            super().__init__(session=session, auto_refresh=False)
            _ATTRIBUTES[kind] = {name: value for name, value in vars(self).items() if name != "session"}
        self.__dict__.update(_ATTRIBUTES[kind], session=session)

    @classmethod
    @cache
    def of(cls, model: type[TableT]) -> "type[Repository[TableT]]":
        """Return the repository class of a table."""
        return type(f"{model.__name__}{cls.__name__}", (cls,), {"model_type": model})

    async def select_page(self, cut: Cut) -> Slice:
        """Return the rows of this part of the list, in the order of their ids.

        With `total` the number of all rows comes in the same statement, so the two agree, also for a page past the end.
        """
        values = {"limit": cut.limit + 1, "offset": cut.offset, "edge": cut.after if cut.before is None else cut.before}
        statement = _page_of(self.model_type, backwards=cut.before is not None, count=cut.total)
        found = await self.session.run(statement, values)
        total = None
        if cut.total:
            total = found[0][0]
            found = [row[1:] for row in found if row[1] is not None]
        rows = [self._row(row) for row in found[: cut.limit]]
        return Slice(rows if cut.before is None else rows[::-1], len(found) > cut.limit, total)

    async def select_one(self, row_id: int, seen: datetime | None = None) -> Row:
        """Return one row.

        `seen`, here and below, is when the row was changed last: then it is about that state of it and no other.

        Raises:
            RowNotFound: it does not exist, or belongs to somebody else.
            RowChanged: it is not in the state that was seen.
        """
        return self._row(await self._one(_select_of, row_id, seen, {}))

    async def insert_one(self, values: Mapping[str, Any]) -> Row:
        """Store one row for the session's owner and return it."""
        return self._row(await self.session.insert_row(self.model_type, values))

    async def update_one(self, row_id: int, values: Values, seen: datetime | None = None) -> Row:
        """Change the given columns of one row, and no other, and return it; no values change nothing.

        Raises:
            RowNotFound: it does not exist, or belongs to somebody else.
            RowChanged: it is not in the state that was seen.
        """
        return self._row(await self._one(_update_of if values else _select_of, row_id, seen, values))

    async def delete_one(self, row_id: int, seen: datetime | None = None) -> None:
        """Delete one row.

        Raises:
            RowNotFound: it does not exist, or belongs to somebody else.
            RowChanged: it is not in the state that was seen.
        """
        await self._one(_delete_of, row_id, seen, {})

    async def add_many(self, data: Any, **kwargs: Any) -> Sequence[TableT]:
        """Store several new rows, all of them or none."""
        async with self.session.atomic():
            return await super().add_many(data, **kwargs)

    async def _one(self, write: Write, row_id: int, seen: datetime | None, values: Values) -> tuple[Any, ...]:
        statement = write(self.model_type, in_state=seen is not None)
        given = {"_id": row_id, **values} if seen is None else {"_id": row_id, "_seen": seen, **values}
        # A number that no row can have is not sent: PostgreSQL would refuse it where SQLite finds nothing.
        found = await self.session.run(statement, given) if 0 < row_id <= MAX_ID else ()
        if found:
            return found[0]
        if seen is None:
            raise RowNotFound(self.model_type)
        await self.select_one(row_id)  # which raises that as well
        raise RowChanged(self.model_type)

    def _row(self, found: tuple[Any, ...]) -> Row:
        return row_struct(self.model_type)(*found)


# Each statement is built once for a table; only its parameters change.


def _table_of(model: type[Owned]) -> Table:
    return cast("Table", inspect(model).local_table)


@cache
def _page_of(model: type[Owned], *, backwards: bool, count: bool) -> Select[Any]:
    write = _page_and_total if count else _page
    return of_owner(partial(write, _table_of(model), backwards), model)


def _page(table: Table, backwards: bool, mine: ColumnElement[bool]) -> Select[Any]:
    limit, offset, edge = (bindparam(name, type_=BigInteger) for name in ("limit", "offset", "edge"))
    row_id = table.c.id
    keys: tuple[Column[Any], ...] = (row_id,)
    if isinstance(mine, BinaryExpression):
        # As a range of one value: were the owner a constant, PostgreSQL would see an order of ids alone, and walk the
        # primary key past everybody else's rows. For who came late with half of a table: 100 ms instead of 0.03.
        mine = mine.left.between(mine.right, mine.right)
        keys = (table.c[OWNER_COLUMN], row_id)
    beyond = row_id < edge if backwards else row_id > edge
    order = [key.desc() for key in keys] if backwards else keys
    return select(*table.c).where(mine, beyond).order_by(*order).limit(limit).offset(offset)


def _page_and_total(table: Table, backwards: bool, mine: ColumnElement[bool]) -> Select[Any]:
    """The page joined to the count, which is there even when the page is empty."""
    total = select(func.count().label("rows")).select_from(table).where(mine).subquery("total")
    page = _page(table, backwards, mine).subquery("page")
    order = page.c.id.desc() if backwards else page.c.id
    return select(total.c.rows, *page.c).select_from(total.outerjoin(page, true())).order_by(order)


@cache
def _select_of(model: type[Owned], *, in_state: bool) -> Select[Any]:
    table, asked = _asked_for(model, in_state)
    return of_owner(lambda mine: select(*table.c).where(asked, mine), model)


@cache
def _update_of(model: type[Owned], *, in_state: bool) -> ReturningUpdate[Any]:
    table, asked = _asked_for(model, in_state)
    return of_owner(lambda mine: update(table).where(asked, mine).returning(*table.c), model)


@cache
def _delete_of(model: type[Owned], *, in_state: bool) -> ReturningDelete[Any]:
    table, asked = _asked_for(model, in_state)
    return of_owner(lambda mine: delete(table).where(asked, mine).returning(table.c.id), model)


def _asked_for(model: type[Owned], in_state: bool) -> tuple[Table, ColumnElement[bool]]:
    table = _table_of(model)
    asked = table.c.id == bindparam("_id", type_=BigInteger)
    changed_at = table.c.get(CHANGED_AT)
    if not in_state:
        return table, asked
    if changed_at is None:  # nobody can have seen a state of a row that has none
        return table, and_(asked, false())
    return table, and_(asked, changed_at == bindparam("_seen", type_=changed_at.type))
