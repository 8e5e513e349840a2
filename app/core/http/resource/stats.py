"""Stats: `stats = figures(open=count("Open ones.", lambda task: ~task.completed))` in a controller is `GET /stats`.

It takes the filters and the search of the list, and answers in one statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Final, TypeVar, cast
from urllib.parse import parse_qsl

from litestar import MediaType
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.types import Scope

from app.core.data.errors import InvalidDeclaration
from app.core.data.repository.figures import FiguresReader, FiguresRequest
from app.core.data.repository.repository import Repository
from app.core.data.sql.figure_declarations import count, faults_of_figures, max_of, min_of, sum_of
from app.core.data.sql.figures import MAX_GROUPS, Figure
from app.core.data.tables.registry import columns_by_name
from app.core.http.resource.filters import FilterParameter
from app.core.http.resource.handler import Operation
from app.core.http.resource.list_declaration import ListDeclaration
from app.core.http.resource.listing import QueryParser
from app.core.http.resource.parameters import ParametersProvider, QueryParameter, by_name, read_values

__all__ = ["count", "figures", "max_of", "min_of", "sum_of"]

NAME: Final = "stats"
GROUP: Final = "group"
SEARCH: Final = "q"

StatsT = TypeVar("StatsT")
"""The Struct of a controller's figures, which its `signature_namespace` has."""


class Stats(Operation):
    """The handler of declared figures."""

    def __init__(self, declared: Mapping[str, Figure], group_by: tuple[str, ...]) -> None:
        super().__init__(
            f"/{NAME}",
            http_method="GET",
            summary="Compute figures of {nouns}",
            response_description="The figures.",
            media_type=MediaType.JSON,
            return_dto=None,
        )
        self.declared, self.group_by = declared, group_by
        self(stats)


def figures(*, group_by: tuple[str, ...] = (), **declared: Figure) -> Any:
    """Declare the figures of a controller, as its attribute `stats`: `GET /stats` returns them by name.

    A figure is `count()`, `sum_of()`, `min_of()` or `max_of()`. A client can get them in groups, by one of the fields
    in `group_by`. The class of the controller raises InvalidDeclaration for figures that its table cannot have.
    """
    return Stats(declared, group_by)


async def stats(
    self: Any,
    repository: NamedDependency[SkipValidation[Repository[Any]]],
    figures_request: NamedDependency[SkipValidation[FiguresRequest]],
) -> StatsT:
    """Return figures of your {nouns}, of all or of those that match the filters."""
    return cast("StatsT", await repository.select_figures(self.figures, figures_request))


def declared_figures(controller: Any) -> FiguresReader | None:
    """Return the reader of the figures that a controller class offers; None if it offers none.

    Raises:
        InvalidDeclaration: a figure is wrong, or `figures()` is another attribute than `stats`.
    """
    for name in dir(controller):
        if name != NAME and isinstance(getattr(controller, name), Stats):
            raise InvalidDeclaration(f"{controller.__name__}.{name} is figures(); call the attribute {NAME!r}.")
    found = getattr(controller, NAME, None)
    if not isinstance(found, Stats) or NAME not in controller.operations:
        return None
    faults = faults_of_figures(controller.model, found.declared, found.group_by)
    for fault in chain(_faults_of_parameter(controller, found), faults):
        raise InvalidDeclaration(f"{controller.__name__}.{NAME} {fault}.")
    module = f"{controller.__module__}.{controller.__qualname__}"
    return FiguresReader(controller.model, tuple(found.declared.items()), found.group_by, module)


def _faults_of_parameter(controller: Any, found: Stats) -> Iterator[str]:
    names = {*columns_by_name(controller.model), *(each.name for each in controller.named_filters)}
    if found.group_by and GROUP in names:
        yield f"has group_by, but the list has a filter {GROUP!r} already; leave group_by out"


@dataclass(eq=False)
class StatsQuery:
    """The query of a controller's figures: the parameters of its list that choose rows, and `group`."""

    lists: ListDeclaration
    group_by: tuple[str, ...]

    @cached_property
    def parameters(self) -> dict[str, QueryParameter]:
        listed = self.lists.parameters
        choosing = {name: each for name, each in listed.items() if isinstance(each, FilterParameter) or name == SEARCH}
        return {**self._grouping, **choosing}

    @cached_property
    def _grouping(self) -> dict[str, QueryParameter]:
        return by_name([_group_parameter(self.group_by)]) if self.group_by else {}

    @cached_property
    def _parser(self) -> QueryParser:
        return QueryParser(self.parameters, self.lists.relations.max_rows)

    def parse(self, query: bytes) -> FiguresRequest:
        """Return the request; raise ValidationException if the query is not valid."""
        if not query:
            return FiguresRequest()
        asked = self._parser.parse(query)
        found = read_values(self._grouping, parse_qsl(query.decode("latin-1")))
        return FiguresRequest(found.get(GROUP), asked.conditions, asked.values, asked.words)


def _group_parameter(offered: tuple[str, ...]) -> QueryParameter:
    def read(texts: Sequence[str]) -> str:
        if texts[0] not in offered:
            raise ValueError(f"Choose from {', '.join(offered)}")
        return texts[0]

    description = f"Also return the figures of the rows with each value of this field, at most {MAX_GROUPS} groups."
    return QueryParameter(GROUP, description, {"type": "string", "enum": [*offered]}, read)


def figures_request_provider(lists: ListDeclaration, figures: FiguresReader) -> ParametersProvider:
    """Return the dependency that reads the `FiguresRequest` of a request."""
    asked = StatsQuery(lists, figures.group_by)

    def provide_figures_request(
        # Not used. Litestar resolves independent dependencies in tasks, which takes longer.
        repository: NamedDependency[SkipValidation[Repository[Any]]],
        scope: Scope,
    ) -> FiguresRequest:
        return asked.parse(scope["query_string"])

    return ParametersProvider(provide_figures_request, lambda: asked.parameters)
