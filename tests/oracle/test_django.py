"""Django's ORM and django-filter find the same rows as the API, in the same order, over the same tables.

It takes the group `oracle` of `pyproject.toml`; without it these tests are skipped. Where Django differs:

- `icontains` and `istartswith` of Django ignore case as the database does: SQLite for ASCII only. Here they ask for
  `contains` and `startswith` of the hidden fold.
- django-filter has no `ne`: here it is `exclude()`, which keeps nulls, as `ne` does.
- django-filter ignores a parameter that it does not know, and one without a value; the API refuses both.
- django-filter splits the values of `in` at commas, and takes spaces off a text; the API does neither for texts.
- Django compares a time as SQLite's text without zeros behind the point, and finds none of ours: `models.Instant`.
- Django orders nulls as the database does, unless an order says `nulls_last`.
"""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.testing.databases import Databases
from tests.library import Library, Say
from tests.oracle import Ask, django_process

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("django_filters"), reason="django-filter is not installed"),
]

# Few values, so that rows are equal in some, and filters find some.
TEXTS: Final = ["Émile", "emile", "EMILE 2", "100 %", "a_b\\c", "ﬁt İt", "Straße", "STRASSE", "日本"]
PARTS: Final = [*TEXTS, "É", "e", "%", "_", "\\", "ss", "ﬁ", "i", "本", "z"]
TIMES: Final = [f"2026-03-29T0{hour}:30:00{fraction}Z" for hour in range(3) for fraction in ("", ".000001")]
IDS: Final = [f"12345678-1234-5678-1234-56781234567{digit}" for digit in range(4)]
DAYS: Final = ["1999-12-31", "2000-01-01", "2000-01-02"]
INTEGERS: Final = [-(2**53) + 1, -1, 0, 1, 2**53 - 1]
RATINGS: Final = [0.0, 0.5, 2.5, 5.0]
COVERS: Final = ["soft", "hard"]
STATES: Final = ["as new", "worn"]

ORDERED: Final = ("", "__ne", "__lt", "__lte", "__gt", "__gte")
EXACT: Final = ("", "__ne")
FILTERS: Final[dict[str, tuple[list[Any], tuple[str, ...]]]] = {
    "id": (list(range(1, 60)), (*ORDERED, "__in")),
    "title": (TEXTS, (*EXACT, "__in")),
    "summary": (TEXTS, (*EXACT, "__in", "__isnull")),
    "pages": (INTEGERS, (*ORDERED, "__in")),
    "rating": (RATINGS, (*ORDERED[2:], "__isnull")),
    "printed": (DAYS, (*ORDERED, "__in", "__isnull")),
    "lent_at": (TIMES, (*ORDERED, "__in", "__isnull")),
    "isbn": (IDS, (*EXACT, "__in", "__isnull")),
    "is_signed": (["true", "false"], EXACT),
    "state": (STATES, (*EXACT, "__in")),
    "cover": (COVERS, (*EXACT, "__in", "__isnull")),
    "shelf__name": (["Left", "Right"], (*EXACT, "__in")),
    "shelf__place": (INTEGERS, (*ORDERED[2:], "", "__isnull")),
}
SORTS: Final = ("id", "title", "pages", "rating", "printed", "lent_at", "isbn", "is_signed", "state")


BOOKS: Final[dict[str, list[Any]]] = {
    "title": TEXTS,
    "summary": [*TEXTS, None, None],
    "pages": INTEGERS,
    "rating": [*RATINGS, None],
    "printed": [*DAYS, None],
    "lent_at": [*TIMES, None],
    "isbn": [*IDS, None],
    "is_signed": [False, True],
    "state": STATES,
    "cover": [*COVERS, None],
}


@st.composite
def conditions(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A parameter and its values."""
    name = draw(st.sampled_from([*FILTERS, "title__icontains", "summary__istartswith", "q"]))
    if name not in FILTERS:
        return name, [draw(st.sampled_from(PARTS))]
    values, operators = FILTERS[name]
    operator = draw(st.sampled_from(operators))
    if operator == "__isnull":
        values = ["true", "false"]
    most = 3 if operator == "__in" else 1
    chosen = draw(st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True))
    return name + operator, [str(value) for value in chosen]


def orders() -> st.SearchStrategy[str]:
    chosen = st.lists(st.sampled_from(SORTS), max_size=3, unique=True)
    signed = chosen.filter(lambda names: "id" not in names or len(names) == 1).flatmap(
        lambda names: st.tuples(*(st.sampled_from([name, f"-{name}"]) for name in names))
    )
    return signed.map(",".join)


@pytest.fixture(scope="module")
def library_and_django(libraries: Say, databases: Databases) -> Iterator[tuple[Library, Ask]]:
    """The library with books of two users, and Django over its tables."""
    url = databases.fresh()
    owner_url = databases.for_owner(url)
    library = Library(libraries, url, owner_url)
    store_books(library)
    with django_process(owner_url) as ask:
        yield library, ask


def store_books(library: Library) -> None:
    chance = Random(15)  # noqa: S311  # the same books each time
    for user in ("alice", "bob"):
        shelves = [{"name": "Left", "place": 1}, {"name": "Right"}]
        ids = [library.ask("POST", "/api/sample-shelves", shelf, user).body["id"] for shelf in shelves]
        for _ in range(60):
            book = {name: chance.choice(values) for name, values in BOOKS.items()}
            answer = library.ask("POST", "/api/sample-books", book | {"shelf_id": chance.choice(ids)}, user)
            assert answer.status == 201, answer


def ids_in_pages(library: Library, url: str) -> list[int]:
    """The ids of all pages, one after the other as `Link` names them."""
    ids: list[int] = []
    following: re.Match[str] | None = re.match("(.*)", url)
    while following:
        page = library.ask("GET", following[1])
        assert page.status == 200, page
        ids += [row["id"] for row in page.body]
        following = re.search(r'<([^>]*)>; rel="next"', page.headers.get("link", ""))
    return ids


def test_django_finds_the_same_rows_in_the_same_order(library_and_django: tuple[Library, Ask]) -> None:
    library, ask = library_and_django
    found = set()

    @settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.lists(conditions(), max_size=4, unique_by=lambda condition: condition[0]), orders())
    def agree(wanted: list[tuple[str, list[str]]], sort: str) -> None:
        order = [("sort", sort)] if sort else []
        pairs = [(name, value) for name, values in wanted for value in values]
        ours = ids_in_pages(library, f"/api/sample-books?{urlencode([*pairs, *order])}")

        theirs = ask("alice", [(name, ",".join(values)) for name, values in wanted] + order)
        assert ours == theirs, [*wanted, *order]
        found.add(tuple(ours))

    agree()
    assert len(found) > 50  # a query does not find all, or nothing, each time
