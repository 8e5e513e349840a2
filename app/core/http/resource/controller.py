"""The controller of a resource: list, create, read, change and delete rows of one table."""

from __future__ import annotations

import builtins
from collections import ChainMap
from collections.abc import Mapping, Sequence, Set
from typing import Any, ClassVar, Generic, TypeVar

from litestar import Controller, MediaType, Response
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.params import JSONBody, SkipValidation
from litestar.types import Scope
from pydantic import BaseModel
from sqlalchemy import inspect

from app.core.data.repository.figures import FiguresReader
from app.core.data.repository.repository import Repository
from app.core.data.repository.rows import Row
from app.core.data.sql.changes import Changes
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import table_name
from app.core.http.body.dto import BodyDTO, CreateSchema, RowDTO, UpdateSchema
from app.core.http.resource.actions import CHANGED, ONE_ROW, actions_of
from app.core.http.resource.dependencies import dependencies_of
from app.core.http.resource.documented_operations import described
from app.core.http.resource.etags import ETAG, Expected
from app.core.http.resource.filters import NamedFilter
from app.core.http.resource.generics import checked_types, type_arguments
from app.core.http.resource.handler import Operation
from app.core.http.resource.integers import PathId
from app.core.http.resource.list_declaration import ListDeclaration
from app.core.http.resource.naming import Names
from app.core.http.resource.operations import CHANGES, READS, operations_of
from app.core.http.resource.pages import LIST_HEADERS, ListRequest, page_response
from app.core.http.resource.relations import RelationsDeclaration
from app.core.http.resource.row_request import RowRequest
from app.core.http.resource.stats import declared_figures

__all__ = ["Expected", "PageRequestDependency", "PathId", "RepositoryDependency", "ResourceController"]

TableT = TypeVar("TableT", bound=Owned)
CreateT = TypeVar("CreateT", bound=CreateSchema)
UpdateT = TypeVar("UpdateT", bound=UpdateSchema)

RepositoryDependency = NamedDependency[SkipValidation[Repository[TableT]]]
PageRequestDependency = NamedDependency[SkipValidation[ListRequest]]
RowRequestDependency = NamedDependency[SkipValidation[RowRequest]]
LOCATION = ResponseHeader(name="Location", description="The path of the new row.", documentation_only=True)


class ResourceController(Controller, Generic[TableT, CreateT, UpdateT]):
    """The base of a noun's controller, which may add and override handlers.

    `operations` limits the handlers: `frozenset({"list", "get"})`. Mixins and generic subclasses may be bases, in any
    order. In summaries and docstrings of handlers, `{noun}`, `{a_noun}` and `{nouns}` become names of the rows.

    Lists can be filtered by the fields in `filters` (by default all fields with one value), by fields of referenced
    rows in `related_filters` (`("project__archived",)`), and by the `named_filters`.

    `expand=project` adds the row of `project_id` if `expand` names it, and `tags` those of `tag_ids`. `counts=tasks`
    adds how many tasks refer to a row if `counts` names their table, or `tasks.project_id`.
    """

    # A handler makes one call. The middleware has authenticated the user, the guard has bound the session to the user,
    # and the DTO has validated the body.

    model: ClassVar[type[Owned]]
    create_schema: ClassVar[type[CreateSchema]]
    update_schema: ClassVar[type[UpdateSchema]]
    repository_type: ClassVar[type[Repository[Any]]] = Repository
    operations: ClassVar[Set[str]]
    actions: ClassVar[Mapping[str, Changes]]
    figures: ClassVar[FiguresReader | None]
    max_page_size: ClassVar[int]  # rows
    filters: ClassVar[Set[str] | None] = None
    related_filters: ClassVar[tuple[str, ...]] = ()
    named_filters: ClassVar[tuple[NamedFilter, ...]] = ()
    expand: ClassVar[tuple[str, ...]] = ()
    counts: ClassVar[tuple[str, ...]] = ()
    lists: ClassVar[ListDeclaration]
    dto = BodyDTO

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        types = type_arguments(cls, ResourceController)
        if any(isinstance(argument, TypeVar) for argument in types):
            return  # a generic subclass
        cls.model, cls.create_schema, cls.update_schema = checked_types(cls, types)
        cls.operations = operations_of(cls, getattr(cls, "operations", None))
        cls.actions = actions_of(cls, cls.model)
        relations = RelationsDeclaration(cls.__name__, cls.model, cls.expand, cls.counts, cls._written_schemas())
        cls.max_page_size = relations.max_rows()
        cls.return_dto = RowDTO[cls.model].with_relations(cls.expand, cls.counts)  # type: ignore[name-defined]  # a type at run time only
        cls.tags = [cls.names().nouns.capitalize()]
        cls.figures = declared_figures(cls)
        cls.signature_namespace = {"TableT": cls.model, "CreateT": cls.create_schema, "UpdateT": cls.update_schema}
        cls.signature_namespace["StatsT"] = cls.figures.struct if cls.figures else None
        cls.lists = ListDeclaration(
            cls.__name__, cls.model, relations, cls.filters, cls.related_filters, cls.named_filters
        )
        if not (cls.related_filters or cls.expand or cls.counts):  # the table of another noun may be imported later
            cls.lists.check()
        own = dependencies_of(cls.repository_type.of(cls.model), cls.lists, cls.figures)
        inherited = (vars(base).get("dependencies", {}) for base in cls.__mro__[1:] if base is not Controller)
        cls.dependencies = {**ChainMap(*inherited), **own, **vars(cls).get("dependencies", {})}
        if cls.operations & CHANGES:
            cls.update_schema.read_only = inspect(cls.model).columns.keys() - cls.update_schema.model_fields.keys()

    @classmethod
    def _written_schemas(cls) -> Sequence[type[BaseModel]]:
        schemas = (cls.create_schema, cls.update_schema)
        return schemas if cls.operations - READS - cls.actions.keys() else (cls.model,)

    @classmethod
    def names(cls) -> Names:
        """Return the names of the rows in the docs."""
        return Names.of(cls.model.__name__, table_name(cls.model))

    @Operation(
        http_method="GET",
        summary="List {nouns}",
        response_description="The {nouns} of this page.",
        response_headers=LIST_HEADERS,
        media_type=MediaType.JSON,
    )
    async def list(
        self, repository: RepositoryDependency[TableT], page_request: PageRequestDependency, scope: Scope
    ) -> Response[builtins.list[Row]]:
        """Return one page of your {nouns}, by default in the order of `id`. `Link` has the address of the next page."""
        return page_response(scope["path"], page_request, await repository.select_page(page_request))

    @Operation(
        http_method="POST",
        summary="Create {a_noun}",
        response_description="The new {noun}.",
        response_headers=[LOCATION, ETAG],
        media_type=MediaType.JSON,
    )
    async def create(
        self, repository: RepositoryDependency[TableT], data: JSONBody[CreateT], created: RowRequestDependency
    ) -> Response[Row]:
        """Create {a_noun}, which belongs to you, and return it."""
        row = await repository.insert_one(data.model_dump())
        return await created.answer_write(repository, row, Location=f"{self.path}/{row.id}")

    @Operation("/{id:int}", http_method="GET", summary="Read {a_noun}", response_description="The {noun}.", **ONE_ROW)
    async def get(
        self, repository: RepositoryDependency[TableT], id: PathId, row_request: RowRequestDependency
    ) -> Response[Row]:
        """Return one of your {nouns}."""
        return row_request.answer(await repository.select_one(id, row_request.related))

    @Operation("/{id:int}", http_method="PUT", summary="Change {a_noun} (PUT)", response_description=CHANGED, **ONE_ROW)
    async def put(
        self,
        repository: RepositoryDependency[TableT],
        id: PathId,
        data: JSONBody[UpdateT],
        expected: Expected,
        changed: RowRequestDependency,
    ) -> Response[Row]:
        """Change only the fields that are sent, like PATCH. Null clears an optional field."""
        values = data.model_dump(exclude_unset=True)
        row = await repository.update_one(id, values, expected, data.sent_back)
        return await changed.answer_write(repository, row)

    @Operation("/{id:int}", http_method="PATCH", summary="Change {a_noun}", response_description=CHANGED, **ONE_ROW)
    async def update(
        self,
        repository: RepositoryDependency[TableT],
        id: PathId,
        data: JSONBody[UpdateT],
        expected: Expected,
        changed: RowRequestDependency,
    ) -> Response[Row]:
        """Change only the fields that are sent. Null clears an optional field."""
        values = data.model_dump(exclude_unset=True)
        row = await repository.update_one(id, values, expected, data.sent_back)
        return await changed.answer_write(repository, row)

    @Operation(
        "/{id:int}", http_method="DELETE", summary="Delete {a_noun}", response_description="The {noun} is deleted."
    )
    async def delete(self, repository: RepositoryDependency[TableT], id: PathId, expected: Expected) -> None:
        """Delete one of your {nouns}. This cannot be undone."""
        await repository.delete_one(id, expected)

    def get_route_handlers(self) -> builtins.list[BaseRouteHandler]:
        """Return the offered handlers, with operation ids (`tasks_list`) and texts for the document."""
        self.lists.check()
        return described(self, super().get_route_handlers())
