"""`python -m tests.oracle URL`: answers each query on standard input, a line of JSON, with a line of ids."""

import json
import sys
from typing import Any

import django
from django.conf import settings
from django.db.models import Model
from django.http import QueryDict
from django_filters import FilterSet
from sqlalchemy import make_url

from tests.oracle.filters import filters_of, in_order
from tests.oracle.models import model_of


def database_of(url: str) -> dict[str, Any]:
    """Return Django's settings for a database."""
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": parts.database}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.database,
        "USER": parts.username,
        "PASSWORD": parts.password or "",
        "HOST": parts.host or parts.query.get("host", ""),
        "PORT": parts.port or parts.query.get("port", ""),
    }


def answer(books: type[Model], filters: type[FilterSet], user: str, query: list[tuple[str, str]]) -> object:
    """Return the ids of a user's books, or what is wrong with the query."""
    data = QueryDict(mutable=True)
    for name, value in query:
        assert name in {"sort", *filters.base_filters}, name
        data.appendlist(name, value)
    found = filters(data, queryset=books.objects.filter(user_id=user))
    if not found.is_valid():
        return found.errors
    return [row.pk for row in in_order(found.qs, data.get("sort", ""))]


def answer_all() -> None:
    """Answer until the input ends."""
    model_of("sample_shelves")
    books = model_of("sample_books")
    filters = filters_of(books)
    for line in sys.stdin:
        print(json.dumps(answer(books, filters, *json.loads(line))), flush=True)  # noqa: T201


if __name__ == "__main__":
    settings.configure(DATABASES={"default": database_of(sys.argv[1])}, USE_TZ=True, TIME_ZONE="UTC")
    django.setup()
    answer_all()
