"""The register of rules, and the conditions under which a rule applies."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from app.core.data.tables.indexes import is_one_per_owner
from app.core.data.tables.registry import columns_of, table_of
from app.core.data.tables.versions import CHANGED_AT
from app.testing.contract.operations import Resource
from app.testing.contract.resource import ResourceUnderTest

Rule = Callable[[ResourceUnderTest], Coroutine[Any, Any, None]]
Condition = Callable[[Resource], bool]

RULES: Final[dict[Rule, tuple[Condition, ...]]] = {}
"""Each rule, with the conditions under which it applies to a resource."""


def rule(*conditions: Condition) -> Callable[[Rule], Rule]:
    """Register a rule for the resources that meet all conditions. Its docstring is its promise."""

    def add(function: Rule) -> Rule:
        RULES[function] = conditions
        return function

    return add


def applies(rule: Rule, resource: Resource) -> bool:
    """Tell whether a resource meets all conditions of a rule."""
    return all(condition(resource) for condition in RULES[rule])


def offers(*names: str) -> Condition:
    """Return the condition that a resource offers all of these operations."""
    return lambda resource: resource.operations >= set(names)


def offers_any(*names: str) -> Condition:
    """Return the condition that a resource offers at least one of these operations."""
    return lambda resource: not resource.operations.isdisjoint(names)


def acts_on_rows(resource: Resource) -> bool:
    """Tell whether a resource offers an operation on a row that exists."""
    return bool(resource.actions) or not resource.operations.isdisjoint({"get", "put", "update", "delete"})


def has_versions(resource: Resource) -> bool:
    """Tell whether the rows have `updated_at`, and so an ETag."""
    return any(column.key == CHANGED_AT for column in columns_of(resource.model))


def has_many(resource: Resource) -> bool:
    """Tell whether an owner can have several rows."""
    return not is_one_per_owner(table_of(resource.model))


def has_actions(resource: Resource) -> bool:
    """Tell whether a resource offers actions."""
    return bool(resource.actions)


def has_figures(resource: Resource) -> bool:
    """Tell whether a resource offers figures."""
    return resource.figures is not None


writes: Final = offers_any("create", "put", "update")
changes: Final = offers_any("put", "update")
overwrites: Final = offers_any("put", "update", "delete")
