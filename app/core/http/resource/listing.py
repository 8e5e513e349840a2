"""The query of a list: the page, filters, search, order and fields that a client asks for."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, quote

from app.core.data.sql.conditions import Condition, Sort
from app.core.data.sql.shapes import MAX_SHAPES
from app.core.http.resource.filters import FilterParameter, Match
from app.core.http.resource.list_parameters import DEFAULT_LIMIT
from app.core.http.resource.parameters import QueryParameter, invalid_parameter, read_values

MAX_CONDITIONS: Final = 10

_MAX_CACHED: Final = 500  # bytes of a query: longer ones are rare, and the cache has a bounded size
_OF_PAGE: Final = frozenset({"limit", "offset", "after", "before"})
_OF_ANSWER: Final = frozenset({"fields", "expand", "counts"})
"""The parameters that may change from page to page."""


class ListQuery(NamedTuple):
    """A parsed query; `after` and `before` are texts, because a cursor belongs to an owner.

    `rest` has the parameters that each page of the list has, encoded. `selection` are those of them that choose and
    sort the rows.
    """

    limit: int
    offset: int = 0
    after: str | None = None
    before: str | None = None
    order: tuple[Sort, ...] = ()
    conditions: tuple[Condition, ...] = ()
    values: tuple[Any, ...] = ()
    words: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    rest: str = ""
    selection: str = ""


class QueryParser:
    """Parses queries of a list with these parameters; keeps the results of the latest ones.

    `max_rows` returns the maximum number of rows of a page with these relations.
    """

    def __init__(self, parameters: Mapping[str, QueryParameter], max_rows: Callable[[tuple[str, ...]], int]) -> None:
        self._parameters = parameters
        self._kept = parameters.keys() - _OF_PAGE
        self._max_rows = max_rows
        self._parse_cached = lru_cache(MAX_SHAPES)(self._parse)

    def parse(self, query: bytes) -> ListQuery:
        """Return the parsed query; raise ValidationException if it is not valid. Unknown parameters are ignored."""
        return self._parse_cached(query) if len(query) <= _MAX_CACHED else self._parse(query)

    def _parse(self, query: bytes) -> ListQuery:
        # Bytes that are not UTF-8 become surrogates, which no value accepts.
        text = query.decode("ascii", "surrogateescape")
        pairs = parse_qsl(text, keep_blank_values=True, errors="surrogateescape")
        found = read_values(self._parameters, pairs)
        if (found.get("offset", 0) > 0) + (found.get("after") is not None) + (found.get("before") is not None) > 1:
            name = "after" if found.get("after") is not None else "offset"
            raise invalid_parameter(name, "Send only one of offset, after and before")
        matches = self._matches(found)
        kept = sorted(((name, self._repaired(name, text)) for name, text in pairs if name in self._kept), key=_name_of)
        return ListQuery(
            **{name: found[name] for name in _DIRECT & found.keys()},
            limit=self._limit(found),
            order=found.get("sort", ()),
            words=found.get("q", ()),
            conditions=tuple(condition for condition, _ in matches),
            values=tuple(value for _, value in matches),
            rest=_encoded(kept),
            selection=_encoded([pair for pair in kept if pair[0] not in _OF_ANSWER]),
        )

    def _limit(self, found: Mapping[str, Any]) -> int:
        most = self._max_rows(found.get("expand", ()))
        limit: int = found.get("limit", min(DEFAULT_LIMIT, most))
        if limit > most:  # without relations the parameter has refused it
            raise invalid_parameter("limit", f"Send at most {most} with this expand")
        return limit

    def _repaired(self, name: str, text: str) -> str:
        parameter = self._parameters[name]
        return parameter.kind.repaired(text) if isinstance(parameter, FilterParameter) else text

    def _matches(self, found: Mapping[str, Any]) -> list[Match]:
        matches: list[Match] = []
        for name, value in found.items():
            parameter = self._parameters[name]
            matches += parameter.matches(value) if isinstance(parameter, FilterParameter) else ()
            if len(matches) > MAX_CONDITIONS:
                raise invalid_parameter(name, f"Send at most {MAX_CONDITIONS} conditions")
        # One order for all queries with these conditions, so that they share one statement.
        return sorted(matches, key=lambda match: match[0][:2])


_DIRECT: Final = frozenset({"offset", "after", "before", "fields", "expand", "counts"})


def _name_of(pair: tuple[str, str]) -> str:
    return pair[0]


def _encoded(pairs: Sequence[tuple[str, str]]) -> str:
    return "".join(f"&{name}={quote(text, safe='')}" for name, text in pairs)
