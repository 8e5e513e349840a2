"""The repository: advanced-alchemy's, with methods that execute one statement and return Structs."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Any, Final, Generic, Protocol, TypeVar

from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from msgspec import Struct
from sqlalchemy import Select

from app.core.data.connection.compiled import Statement, Values
from app.core.data.errors import FieldsReadOnly, RowChanged, RowNotFound
from app.core.data.ownership.session import AppSession
from app.core.data.repository.closed_methods import ClosedMethods
from app.core.data.repository.figures import FiguresReader, FiguresRequest
from app.core.data.repository.page_rows import page_reader
from app.core.data.repository.pages import Page, PageRequest
from app.core.data.repository.related_rows import row_reader
from app.core.data.repository.rows import Row, StructT, row_struct, to_struct
from app.core.data.sql.changes import Changes
from app.core.data.sql.figures import figures_of
from app.core.data.sql.pages import page_of
from app.core.data.sql.relations import NOT_RELATED, Related
from app.core.data.sql.statements import NEW_PREFIX, delete_of, select_of, select_related_of, update_of
from app.core.data.tables.field_types import MAX_ID
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import columns_of
from app.core.data.tables.versions import CHANGED_AT, RowVersion, is_sent_as, parse_moment

TableT = TypeVar("TableT", bound=Owned)

ExpectedVersions = Sequence[RowVersion] | None
"""The versions of a row that the caller accepts; None for any."""


class VersionedStatement(Protocol):
    """Returns a statement about one row, in any version or in a given one."""

    def __call__(self, *, at_version: bool) -> Statement: ...


# The attributes that advanced-alchemy's constructor sets, which are the same for every session. Without this cache it
# took a sixteenth of the time of a request.
_ATTRIBUTES: Final[dict[tuple[type, str], dict[str, Any]]] = {}


class Repository(ClosedMethods, SQLAlchemyAsyncRepository[TableT], Generic[TableT]):
    """The rows of one table that belong to the session's owner.

    For another query, derive a class, name it in the controller's `repository_type`, and write a method that calls
    `select_as()`. A handler returns its result; the document shows the type.
    """

    session: AppSession
    count_with_window_function = False  # its total is 0 for a page past the end

    def __init__(self, *, session: AppSession) -> None:
        kind = type(self), session.dialect.name
        if kind not in _ATTRIBUTES:
            # auto_refresh would read each new row again, although it is complete.
            own = {*vars(self), "session"}  # a derived class may have set attributes for this session
            super().__init__(session=session, auto_refresh=False)
            _ATTRIBUTES[kind] = {name: value for name, value in vars(self).items() if name not in own}
        self.__dict__.update(_ATTRIBUTES[kind], session=session)

    @classmethod
    @cache
    def of(cls, model: type[TableT]) -> "type[Repository[TableT]]":
        return type(f"{model.__name__}{cls.__name__}", (cls,), {"model_type": model})

    async def select_page(self, request: PageRequest) -> Page:
        """Return one page, whose rows and total are of the same moment."""
        shape, values = request.query()
        found = await self.session.run(page_of(self.model_type, shape, self.session.dialect.name), values)
        return page_reader(self.model_type, request.order, request.fields, request.related).read(request, found)

    async def select_one(self, row_id: int, related: Related = NOT_RELATED) -> Row:
        """Return one row, maybe with relations; raise RowNotFound if it does not exist, or belongs to another user."""
        if related != NOT_RELATED:
            return await self._select_related(row_id, related)
        return self._to_row(await self._execute_for_row(row_id, select_of(self.model_type), {}))

    async def select_figures(self, reader: FiguresReader, request: FiguresRequest) -> Struct:
        """Return figures of the rows that match, as the Struct of the reader; raise SumTooLarge."""
        shape, values = reader.query(request)
        return reader.read(request, await self.session.run(figures_of(self.model_type, shape), values))

    async def select_as(self, struct: type[StructT], query: Select[*tuple[Any, ...]]) -> Sequence[StructT]:
        """Return the rows of a query as Structs, whose fields have the labels of its columns.

        The owner's condition is added to each owned table in the query, and raw SQL is refused.

        Raises:
            msgspec.ValidationError: a value has another type than its field.
        """
        return [to_struct(row._mapping, struct) for row in await self.session.execute(query)]

    async def insert_one(self, values: Mapping[str, Any]) -> Row:
        """Store one row for the session's owner and return it."""
        return self._to_row(await self.session.insert_row(self.model_type, values))

    async def update_one(
        self, row_id: int, values: Values, expected: ExpectedVersions = None, sent_back: Mapping[str, Any] | None = None
    ) -> Row:
        """Change the given columns of one row, and return it. A row that has the values already keeps its version.

        `sent_back` are the read-only columns of a client that sends a whole row, as JSON. They must be unchanged; the
        time of the last change is the expected version, unless `expected` is given.

        Raises:
            RowNotFound: the row does not exist, or belongs to another user.
            RowChanged: the row has none of the expected versions, nor the new values.
            FieldsReadOnly: a value in `sent_back` differs.
        """
        if sent_back:
            expected = await self._expected_after(row_id, sent_back, expected)
        if not values:
            return await self._select_at(row_id, expected)
        return await self._change(row_id, Changes(values), expected)

    async def apply(self, row_id: int, changes: Changes, expected: ExpectedVersions = None) -> Row:
        """Make declared changes to one row, and return it; raise RowNotFound and RowChanged as `update_one` does."""
        return await self._change(row_id, changes, expected)

    async def delete_one(self, row_id: int, expected: ExpectedVersions = None) -> None:
        """Delete one row; raise RowNotFound and RowChanged as `update_one` does."""
        await self._execute_at_version(row_id, partial(delete_of, self.model_type), {}, expected)

    async def add_many(self, data: Any, **kwargs: Any) -> Sequence[TableT]:
        """Store several new rows, all of them or none."""
        async with self.session.atomic():
            return await super().add_many(data, **kwargs)

    async def _select_related(self, row_id: int, related: Related) -> Row:
        statement, reader = select_related_of(self.model_type, related), row_reader(self.model_type, related)
        values = await self.session.run(statement, {"_id": row_id}) if 0 < row_id <= MAX_ID else ()
        for own in reader.found(values):
            return reader.adder(values)(own, self._to_row(own[: len(columns_of(self.model_type))]))
        raise RowNotFound(self.model_type)

    async def _change(self, row_id: int, changes: Changes, expected: ExpectedVersions) -> Row:
        query = partial(update_of, self.model_type, frozenset(changes.values), changes.expressions)
        new = {f"{NEW_PREFIX}{name}": value for name, value in changes.values.items()}
        try:
            return self._to_row(await self._execute_at_version(row_id, query, new, expected))
        except RowChanged as changed:
            if changes.were_made_in(changed.row):
                return changed.row
            raise

    async def _expected_after(
        self, row_id: int, sent_back: Mapping[str, Any], expected: ExpectedVersions
    ) -> ExpectedVersions:
        row = await self.select_one(row_id)
        moment = parse_moment(sent_back.get(CHANGED_AT))
        compared = sent_back.keys() - ({CHANGED_AT} if moment else set())
        if others := sorted(name for name in compared if not is_sent_as(getattr(row, name), sent_back[name])):
            raise FieldsReadOnly(others)
        return [RowVersion.at(moment)] if moment and expected is None else expected

    async def _select_at(self, row_id: int, expected: ExpectedVersions) -> Row:
        row = await self.select_one(row_id)
        changed_at = getattr(row, CHANGED_AT, None)
        if expected is not None and not (changed_at and any(version.contains(changed_at) for version in expected)):
            raise RowChanged(self.model_type, row)
        return row

    async def _execute_at_version(
        self, row_id: int, query: VersionedStatement, values: Values, expected: ExpectedVersions
    ) -> tuple[Any, ...]:
        # One statement for each version: nearly every client sends only one.
        if expected is None:
            return await self._execute_for_row(row_id, query(at_version=False), values)
        for since, until in expected:
            with suppress(RowNotFound):
                return await self._execute_for_row(
                    row_id, query(at_version=True), {**values, "_since": since, "_until": until}
                )
        raise RowChanged(self.model_type, await self.select_one(row_id))

    async def _execute_for_row(self, row_id: int, statement: Statement, values: Values) -> tuple[Any, ...]:
        # An id out of range is not sent, because PostgreSQL would raise an error.
        found = await self.session.run(statement, {"_id": row_id, **values}) if 0 < row_id <= MAX_ID else ()
        if not found:
            raise RowNotFound(self.model_type)
        return found[0]

    def _to_row(self, found: tuple[Any, ...]) -> Row:
        return row_struct(self.model_type)(*found)
