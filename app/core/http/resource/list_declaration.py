"""What a controller declares about its list, and the query parameters that follow from it."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from app.core.data.errors import InvalidDeclaration
from app.core.data.sql.conditions import Sort
from app.core.data.sql.operators import operators_of, related_field
from app.core.data.tables.owned import Owned
from app.core.data.tables.queryable import searchable_of, sortable_of
from app.core.data.tables.registry import columns_by_name
from app.core.http.resource.filters import FilterParameter, NamedFilter, field_filters, named_filter
from app.core.http.resource.list_parameters import fields_parameter, page_parameters, search_parameter, sort_parameter
from app.core.http.resource.listing import QueryParser
from app.core.http.resource.parameters import QueryParameter, by_name
from app.core.http.resource.relations import RelationsDeclaration
from app.core.http.resource.values import ValueType, value_type_of

RESERVED: Final = frozenset(
    {"limit", "offset", "after", "before", "sort", "q", "fields", "expand", "counts", "deleted", "max_affected"}
)
"""Names of parameters that a filter cannot have, also those of parameters that a resource may get later."""


@dataclass(eq=False)
class ListDeclaration:
    """The list of a controller: `filters` are fields of the table, or None for all that have operators.

    Its properties raise InvalidDeclaration. They need the tables to which the related filters refer.
    """

    controller: str
    model: type[Owned]
    relations: RelationsDeclaration
    filters: Set[str] | None = None
    related_filters: Sequence[str] = ()
    named_filters: Sequence[NamedFilter] = ()

    @cached_property
    def parameters(self) -> dict[str, QueryParameter]:
        """The parameters by name, in the order of the document."""
        own = {**page_parameters(self.relations.max_rows()), **self._choosing()}
        for parameter in self._filters():
            if parameter.name in own:
                attribute = "named_filters" if parameter.operator == "is" else "filters"
                self._refuse(attribute, parameter.name, "is a parameter already", "choose another name")
            own[parameter.name] = parameter
        return own

    @cached_property
    def row_parameters(self) -> dict[str, QueryParameter]:
        """The parameters that a request for one row has as well."""
        fields = fields_parameter(tuple(columns_by_name(self.model)))
        return {**by_name([fields]), **self.relations.of_reads}

    @cached_property
    def parser(self) -> QueryParser:
        return QueryParser(self.parameters, self.relations.max_rows)

    @cached_property
    def _kinds(self) -> dict[str, ValueType]:
        fields = self.model.model_fields
        names = sortable_of(self.model)
        kinds = {name: value_type_of(fields[name].annotation, tuple(fields[name].metadata)) for name in names}
        return {name: kind for name, kind in kinds.items() if kind}

    @property
    def sortable(self) -> tuple[str, ...]:
        """The fields that `sort` offers."""
        return (*self._kinds, "id")

    def check(self) -> None:
        """Raise InvalidDeclaration if the declaration is wrong."""
        self.parameters  # noqa: B018  # made once

    def value_types(self, order: Sequence[Sort]) -> tuple[ValueType, ...]:
        """Return the types of the values in a key of this order, without that of the id, which is always the last."""
        return tuple(self._kinds[sort.field] for sort in order if sort.field != "id")

    def _choosing(self) -> dict[str, QueryParameter]:
        searched = searchable_of(self.model)
        search = [search_parameter(searched)] if searched else []
        return by_name([sort_parameter(self.sortable), *search, *self.row_parameters.values()])

    def _filters(self) -> Iterator[FilterParameter]:
        for name in self._filtered_fields():
            yield from field_filters(self.model, name)
        for name in self.related_filters:
            if not related_field(self.model, name) or not operators_of(self.model, name):
                self._refuse("related_filters", name, "is no field of a referenced row", "write project__archived")
            yield from field_filters(self.model, name)
        for declared in self.named_filters:
            if declared.name in RESERVED or not declared.name.isidentifier():
                self._refuse("named_filters", declared.name, "cannot be the name of a filter", "choose another")
            try:
                yield named_filter(declared)
            except ValueError as error:
                self._refuse("named_filters", declared.name, f"has a wrong type: {error}", "choose another, or none")

    def _filtered_fields(self) -> Iterator[str]:
        offered = [
            name for name in columns_by_name(self.model) if name not in RESERVED and operators_of(self.model, name)
        ]
        if self.filters is None:
            yield from offered
            return
        if isinstance(self.filters, str):
            self._refuse("filters", self.filters, "is no set", f'write frozenset({{"{self.filters}"}})')
        if unknown := sorted(set(self.filters) - set(offered)):
            self._refuse("filters", unknown[0], "is no field that can be filtered", f"choose from {', '.join(offered)}")
        yield from (name for name in offered if name in self.filters)

    def _refuse(self, attribute: str, name: str, fault: str, remedy: str) -> None:
        raise InvalidDeclaration(f"{self.controller}.{attribute}: {name!r} {fault}; {remedy}.")
