"""The parameters of every list: the page, the order, the search and the fields."""

from collections.abc import Sequence
from typing import Any, Final

from app.core.data.sql.conditions import Sort
from app.core.data.tables.field_types import MAX_ID
from app.core.data.tables.folds import fold
from app.core.http.resource.parameters import (
    QueryParameter,
    by_name,
    check_names,
    integer_parameter,
    names_parameter,
    names_schema,
)
from app.core.http.resource.values import TEXT, read_integer, read_text

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 500
MAX_OFFSET: Final = 10_000  # rows; the database reads all of them and discards them
MAX_SORTS: Final = 3
MAX_SEARCH: Final = 100  # characters
MAX_WORDS: Final = 5


def page_parameters(max_limit: int) -> dict[str, QueryParameter]:
    """Return the parameters of pages."""
    default = {"default": min(DEFAULT_LIMIT, max_limit)}
    return by_name(
        (
            integer_parameter("limit", "The maximum number of rows.", 1, max_limit, **default),
            integer_parameter(
                "offset",
                "The number of rows to skip. Not with `after` or `before`. `Link` reaches all rows.",
                0,
                MAX_OFFSET,
            ),
            QueryParameter(
                "after",
                "Only rows after this `id`, or with `sort` after this cursor. `Link` uses it."
                " Not with `offset` or `before`.",
                _position(0),
                _read_after,
            ),
            QueryParameter(
                "before",
                "Only the last rows before this `id`, or with `sort` before this cursor. `Link` uses it."
                " Not with `offset` or `after`.",
                _position(1),
                _read_position,
            ),
        )
    )


def _position(least: int) -> dict[str, Any]:
    row_id = {"type": "integer", "minimum": least, "maximum": MAX_ID, "format": "int64"}
    return {"anyOf": [row_id, {"type": "string"}]}


def _read_position(texts: Sequence[str]) -> str:
    return read_text(texts[0])


def _read_after(texts: Sequence[str]) -> str | None:
    return None if texts[0] == "0" else read_text(texts[0])  # 0 is before the first id


def read_id_position(text: str, least: int) -> tuple[int]:
    """Return the key of a position in the order of ids; raise ValueError."""
    return (read_integer(text, least, MAX_ID),)


def sort_parameter(offered: Sequence[str]) -> QueryParameter:
    """Return the parameter `sort` with these fields."""
    description = (
        f"The order: at most {MAX_SORTS} of {', '.join(f'`{name}`' for name in offered)}, separated by commas;"
        " `-` before a name sorts in descending order. Null comes last. Equal rows are sorted by `id`, in the direction"
        " of the last field."
    )

    def read(texts: Sequence[str]) -> tuple[Sort, ...]:
        parts = texts[0].split(",")
        sorts = tuple(Sort(part.removeprefix("-"), part.startswith("-")) for part in parts)
        check_names([sort.field for sort in sorts], offered)
        if len(sorts) > MAX_SORTS:
            raise ValueError(f"Send at most {MAX_SORTS} fields")
        return _without_id(sorts)

    return QueryParameter("sort", description, names_schema(offered, MAX_SORTS, "-?"), read)


def _without_id(sorts: tuple[Sort, ...]) -> tuple[Sort, ...]:
    if sorts[0] == Sort("id"):
        return ()
    if len(sorts) > 1 and any(sort.field == "id" for sort in sorts):
        raise ValueError("Send `id` alone; it decides between equal rows by itself")
    return sorts


def search_parameter(fields: Sequence[str]) -> QueryParameter:
    """Return the parameter `q`, which searches in these fields."""
    places = ", ".join(f"`{name}`" for name in fields)
    description = f"At most {MAX_WORDS} words: each is part of {places}, whatever the case and the accents."
    schema = TEXT.schema | {"minLength": 1, "maxLength": MAX_SEARCH}
    return QueryParameter("q", description, schema, _read_words)


def _read_words(texts: Sequence[str]) -> tuple[str, ...]:
    if len(texts[0]) > MAX_SEARCH:
        raise ValueError(f"Send at most {MAX_SEARCH} characters")
    words = tuple(sorted(set(fold(read_text(texts[0])).split())))
    if not words or len(words) > MAX_WORDS:
        raise ValueError(f"Send 1 to {MAX_WORDS} words")
    return words


def fields_parameter(offered: Sequence[str]) -> QueryParameter:
    """Return the parameter `fields`; its value is never empty, because it has the `id`."""
    description = "The fields of each row, separated by commas; `id` always comes. All fields by default."
    names = names_parameter("fields", description, offered)

    def read(texts: Sequence[str]) -> tuple[str, ...]:
        chosen = names.read(texts)
        return tuple(name for name in offered if name == "id" or name in chosen)

    return QueryParameter("fields", description, names.schema, read)


def expand_parameter(offered: Sequence[str]) -> QueryParameter:
    """Return the parameter `expand` with these relations."""
    description = (
        f"Add the rows to which a row refers, separated by commas: {', '.join(f'`{name}`' for name in offered)}."
    )
    return names_parameter("expand", description, offered)


def counts_parameter(offered: Sequence[str]) -> QueryParameter:
    """Return the parameter `counts` with these referrers."""
    description = (
        "Add to `counts` how many rows refer to a row, separated by commas:"
        f" {', '.join(f'`{name}`' for name in offered)}."
    )
    return names_parameter("counts", description, offered)
