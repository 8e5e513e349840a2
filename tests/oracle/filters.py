"""A FilterSet of django-filter in the spelling of the API, and the order with nulls last."""

from copy import copy
from typing import Any, Final

from django.db.models import F, Model, Q, QuerySet
from django_filters import CharFilter, FilterSet

from app.core.data.tables.folds import fold

LOOKUPS: Final = {
    "id": ["exact", "in", "lt", "lte", "gt", "gte"],
    "title": ["exact", "in"],
    "summary": ["exact", "in", "isnull"],
    "pages": ["exact", "in", "lt", "lte", "gt", "gte"],
    "rating": ["lt", "lte", "gt", "gte", "isnull"],
    "printed": ["exact", "in", "lt", "lte", "gt", "gte", "isnull"],
    "lent_at": ["exact", "in", "lt", "lte", "gt", "gte", "isnull"],
    "isbn": ["exact", "in", "isnull"],
    "is_signed": ["exact"],
    "state": ["exact", "in"],
    "cover": ["exact", "in", "isnull"],
    "shelf__name": ["exact", "in"],
    "shelf__place": ["exact", "lt", "lte", "gt", "gte", "isnull"],
}
FOLDED: Final = {"title": "title_fold", "summary": "summary_fold"}


class Folded(CharFilter):  # type: ignore[misc]
    """A filter on the hidden fold of a text; Django's own `icontains` ignores case as the database does."""

    def filter(self, qs: QuerySet[Model], value: str) -> QuerySet[Model]:
        return super().filter(qs, fold(value)) if value else qs


class Words(CharFilter):  # type: ignore[misc]
    """`q`: each word is part of one of the texts."""

    def filter(self, qs: QuerySet[Model], value: str) -> QuerySet[Model]:
        for word in fold(value or "").split():
            qs = qs.filter(Q(title_fold__contains=word) | Q(summary_fold__contains=word))
        return qs


def filters_of(model: type[Model]) -> type[FilterSet]:
    """Return the class of the filters of books."""
    meta = type("Meta", (), {"model": model, "fields": LOOKUPS})
    filters: dict[str, Any] = {"Meta": meta, "q": Words()}
    for name, column in FOLDED.items():
        filters[f"{name}__icontains"] = Folded(column, "contains", strip=False)
        filters[f"{name}__istartswith"] = Folded(column, "startswith", strip=False)
    equal: Any = type("Equal", (FilterSet,), {"Meta": meta})
    for name, filter_ in equal.get_filters().items():
        if filter_.lookup_expr == "exact":
            filters[f"{name}__ne"] = copy(filter_)
            filters[f"{name}__ne"].exclude = True
    return type("Filters", (FilterSet,), filters)


def in_order(rows: QuerySet[Model], sort: str) -> QuerySet[Model]:
    """Return the rows in an order of the API, such as `-lent_at,title`."""
    orders: list[Any] = []
    for name in filter(None, sort.split(",")):
        field = F(FOLDED.get(name.removeprefix("-"), name.removeprefix("-")))
        orders.append(field.desc(nulls_last=True) if name.startswith("-") else field.asc(nulls_last=True))
    # Equal rows are sorted by id, in the direction of the last field.
    return rows.order_by(*orders, "-id" if sort.rsplit(",", maxsplit=1)[-1].startswith("-") else "id")
