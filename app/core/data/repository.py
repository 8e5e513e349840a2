"""The repository: what can be done with the rows of one table, on top of advanced-alchemy's.

Its own five methods are one statement each and carry its name: they select, insert, update and delete columns and
return Structs, because an entity costs ten times a row; only a refusal for a row's state looks a second time. The
session adds the owner to every one. What is inherited works on entities; the inherited methods that lose data or run
past the owner's filter are closed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, Generic, NamedTuple, NoReturn, TypeVar

from advanced_alchemy.repository import SQLAlchemyAsyncRepository

from app.core.data.errors import ClosedMethod, RowChanged, RowNotFound
from app.core.data.fields import MAX_ID
from app.core.data.owned import Owned
from app.core.data.plans import Values
from app.core.data.queries import RowQuery, delete_of, page_of, select_of, update_of
from app.core.data.rows import Row, row_struct
from app.core.data.session import AppSession

TableT = TypeVar("TableT", bound=Owned)


# What advanced-alchemy's constructor works out is the same for every session; it took one part in sixteen of a request.
_ATTRIBUTES: Final[dict[tuple[type, str], dict[str, Any]]] = {}


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
        statement = page_of(self.model_type, backwards=cut.before is not None, count=cut.total)
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
        return self._row(await self._one(select_of, row_id, seen, {}))

    async def insert_one(self, values: Mapping[str, Any]) -> Row:
        """Store one row for the session's owner and return it."""
        return self._row(await self.session.insert_row(self.model_type, values))

    async def update_one(self, row_id: int, values: Values, seen: datetime | None = None) -> Row:
        """Change the given columns of one row, and no other, and return it; no values change nothing.

        Raises:
            RowNotFound: it does not exist, or belongs to somebody else.
            RowChanged: it is not in the state that was seen.
        """
        return self._row(await self._one(update_of if values else select_of, row_id, seen, values))

    async def delete_one(self, row_id: int, seen: datetime | None = None) -> None:
        """Delete one row.

        Raises:
            RowNotFound: it does not exist, or belongs to somebody else.
            RowChanged: it is not in the state that was seen.
        """
        await self._one(delete_of, row_id, seen, {})

    async def add_many(self, data: Any, **kwargs: Any) -> Sequence[TableT]:
        """Store several new rows, all of them or none."""
        async with self.session.atomic():
            return await super().add_many(data, **kwargs)

    async def _one(self, query_of: RowQuery, row_id: int, seen: datetime | None, values: Values) -> tuple[Any, ...]:
        query = query_of(self.model_type, in_state=seen is not None)
        given = {"_id": row_id, **values} if seen is None else {"_id": row_id, "_seen": seen, **values}
        # A number that no row can have is not sent: PostgreSQL would refuse it where SQLite finds nothing.
        found = await self.session.run(query, given) if 0 < row_id <= MAX_ID else ()
        if found:
            return found[0]
        if seen is None:
            raise RowNotFound(self.model_type)
        await self.select_one(row_id)  # which raises that as well
        raise RowChanged(self.model_type)

    def _row(self, found: tuple[Any, ...]) -> Row:
        return row_struct(self.model_type)(*found)
