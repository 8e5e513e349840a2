"""What a controller declares about relations: which ones a client may expand and count, and how many rows then fit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

from pydantic import BaseModel

from app.core.data.errors import InvalidDeclaration
from app.core.data.tables.owned import Owned
from app.core.data.tables.relations import COUNTS, referrers_of, relation_names, relations_of
from app.core.http.resource.list_parameters import MAX_LIMIT, counts_parameter, expand_parameter
from app.core.http.resource.page_size import max_page_size
from app.core.http.resource.parameters import QueryParameter, by_name

MAX_EXPANDED: Final = 3


@dataclass(eq=False)
class RelationsDeclaration:
    """The `expand` and the `counts` of a controller; `schemas` have the limits of a row.

    Raises InvalidDeclaration for names that no field has. Its parameters need the tables of the relations.
    """

    controller: str
    model: type[Owned]
    expand: tuple[str, ...]
    counts: tuple[str, ...]
    schemas: Sequence[type[BaseModel]]

    def __post_init__(self) -> None:
        self._check("expand", self.expand, relation_names(self.model))
        if len(self.expand) > MAX_EXPANDED:
            self._refuse("expand", self.expand[MAX_EXPANDED], f"is one too many of {MAX_EXPANDED}", "remove it")
        if self.counts and COUNTS in self.model.model_fields:
            self._refuse("counts", self.counts[0], f"has no place, because {COUNTS!r} is a field", "rename the field")

    @cached_property
    def of_writes(self) -> dict[str, QueryParameter]:
        """The parameters of a request that writes a row."""
        if self.expand:  # the target of a reference may be missing, or have no owner
            self._check("expand", self.expand, relations_of(self.model))
        return by_name([expand_parameter(self.expand)] if self.expand else [])

    @cached_property
    def of_reads(self) -> dict[str, QueryParameter]:
        """The parameters of a request that reads rows."""
        self._check("counts", self.counts, referrers_of(self.model) if self.counts else {})
        return {**self.of_writes, **by_name([counts_parameter(self.counts)] if self.counts else [])}

    def max_rows(self, expand: tuple[str, ...] = ()) -> int:
        """Return the maximum number of rows on a page with these relations."""
        return self._max_rows(expand)

    @cached_property
    def _max_rows(self) -> Callable[[tuple[str, ...]], int]:
        # Kept, because it is needed for each new query, and follows from the JSON Schema of a row. It stays small: a
        # client chooses from at most `MAX_EXPANDED` relations.
        return cache(lambda expand: min(MAX_LIMIT, max_page_size(self.model, self.schemas, expand)))

    def _check(self, attribute: str, names: tuple[str, ...], offered: Mapping[str, object]) -> None:
        if isinstance(names, str):
            self._refuse(attribute, names, "is no tuple", f'write ("{names}",)')
        for place, name in enumerate(names):
            if name not in offered:
                known = f"choose from {', '.join(offered)}" if offered else "remove it"
                self._refuse(attribute, name, _FAULTS[attribute], known)
            if name in names[:place]:
                self._refuse(attribute, name, "is there twice", "remove one")

    def _refuse(self, attribute: str, name: str, fault: str, remedy: str) -> None:
        raise InvalidDeclaration(f"{self.controller}.{attribute}: {name!r} {fault}; {remedy}.")


_FAULTS: Final = {
    "expand": "is no ref() or refs() field without its _id or _ids",
    "counts": "is no table with exactly one reference to this one, and no column such as tasks.project_id",
}
