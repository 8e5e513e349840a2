"""The query of a request for one row: the fields that a client asks for."""

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

from app.core.data.repository.repository import Repository
from app.core.data.repository.rows import Row
from app.core.data.sql.shapes import MAX_SHAPES
from app.core.http.resource.etags import etag_header
from app.core.http.resource.parameters import ParametersProvider, QueryParameter, read_values


class RowRequest(NamedTuple):
    """What a client asks for; without `fields`, all of them."""

    fields: tuple[str, ...] = ()

    def answer(self, row: Row) -> Response[Row]:
        """Return a response with these fields of the row, and its ETag."""
        headers = etag_header(row)
        if self.fields:
            row = replace(row, **{name: UNSET for name in row.__struct_fields__ if name not in self.fields})
        return Response(row, headers=headers)


ALL: Final = RowRequest()


def row_request_provider(parameters_of: Callable[[], Mapping[str, QueryParameter]]) -> ParametersProvider:
    """Return the dependency that reads the `RowRequest` of a request, with these parameters."""

    @lru_cache(MAX_SHAPES)
    def parse(query: bytes) -> RowRequest:
        return RowRequest(**read_values(parameters_of(), parse_qsl(query.decode("latin-1"), keep_blank_values=True)))

    def provide_row_request(
        # Not used. Litestar resolves independent dependencies in tasks, which takes longer.
        repository: NamedDependency[SkipValidation[Repository[Any]]],
        scope: Scope,
    ) -> RowRequest:
        query = scope["query_string"]
        return parse(query) if query else ALL

    return ParametersProvider(provide_row_request, parameters_of)
