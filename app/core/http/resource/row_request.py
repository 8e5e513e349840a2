"""The query of a request for one row: the fields and relations that a client asks for."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.types import Scope
from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy.exc import DBAPIError

from app.core.data.errors import OutcomeUnknown, OwnerBusy
from app.core.data.repository.repository import Repository
from app.core.data.repository.rows import Row
from app.core.data.sql.relations import NOT_RELATED, Related
from app.core.data.sql.shapes import MAX_SHAPES
from app.core.data.tables.relations import COUNTS
from app.core.http.resource.etags import Expected, etag_header, with_etag
from app.core.http.resource.parameters import ParametersProvider, QueryParameter, read_values


class RowRequest(NamedTuple):
    """What a client asks for; without `fields`, all of them. It is the answer that has the relations."""

    fields: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()

    @property
    def related(self) -> Related:
        return Related(self.expand, self.counts) if self.expand or self.counts else NOT_RELATED

    def answer(self, row: Row, **headers: str) -> Response[Row]:
        """Return a response with these fields of the row, its relations, and its ETag."""
        if not self.fields:
            return with_etag(row, **headers)
        kept = {*self.fields, *self.expand, COUNTS}
        shown = replace(row, **{name: UNSET for name in row.__struct_fields__ if name not in kept})
        return Response(shown, headers=headers | etag_header(row))

    async def answer_write(self, repository: Repository[Any], row: Row, **headers: str) -> Response[Row]:
        """Return a response with a row that was written, and its relations, which a second statement reads.

        Raises:
            RowNotFound: the row was deleted since.
            OutcomeUnknown: the relations cannot be read. The row is stored, so the client must not just try again.
        """
        if not self.expand:
            return with_etag(row, **headers)
        try:
            return self.answer(await repository.select_one(row.id, self.related), **headers)
        except (DBAPIError, OwnerBusy) as error:
            raise OutcomeUnknown from error


ALL: Final = RowRequest()


def row_request_provider(
    parameters_of: Callable[[], Mapping[str, QueryParameter]], *, after_expected: bool = False
) -> ParametersProvider:
    """Return the dependency that reads the `RowRequest` of a request, with these parameters.

    `after_expected` is for handlers that have the expected versions as well.
    """

    @lru_cache(MAX_SHAPES)
    def parse(query: bytes) -> RowRequest:
        return RowRequest(**read_values(parameters_of(), parse_qsl(query.decode("latin-1"), keep_blank_values=True)))

    # The first parameter of both is not used. Litestar resolves independent dependencies in tasks, which takes longer.
    def provide(repository: NamedDependency[SkipValidation[Repository[Any]]], scope: Scope) -> RowRequest:
        query = scope["query_string"]
        return parse(query) if query else ALL

    def provide_after_expected(expected: Expected, scope: Scope) -> RowRequest:
        query = scope["query_string"]
        return parse(query) if query else ALL

    return ParametersProvider(provide_after_expected if after_expected else provide, parameters_of)
