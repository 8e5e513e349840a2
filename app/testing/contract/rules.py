"""Rules: what the contract promises, and for which resources."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from app.core.data.tables.registry import columns_of
from app.core.data.tables.versions import CHANGED_AT
from app.testing.contract.operations import Resource
from app.testing.contract.resource import ResourceUnderTest

Rule = Callable[[ResourceUnderTest], Coroutine[Any, Any, None]]
Condition = Callable[[Resource], bool]

RULES: Final[dict[Rule, tuple[Condition, ...]]] = {}
"""The rules, each with what has to be true of a resource that keeps it."""


def rule(*when: Condition) -> Callable[[Rule], Rule]:
    """Add a rule for resources of which all of `when` is true; its docstring says what it promises."""

    def add(function: Rule) -> Rule:
        RULES[function] = when
        return function

    return add


def applies(rule: Rule, resource: Resource) -> bool:
    """Tell whether a rule is about what this resource offers."""
    return all(is_so(resource) for is_so in RULES[rule])


def offers(*names: str) -> Condition:
    """Return what is true of a resource that offers all of these operations."""
    return lambda resource: resource.operations >= set(names)


def offers_any(*names: str) -> Condition:
    """Return what is true of a resource that offers one of these operations at least."""
    return lambda resource: not resource.operations.isdisjoint(names)


def has_versions(resource: Resource) -> bool:
    """Tell whether the rows know when they were changed, and so have an ETag."""
    return any(column.key == CHANGED_AT for column in columns_of(resource.model))


writes: Final = offers_any("create", "put", "update")
changes: Final = offers_any("put", "update")
acts_on_rows: Final = offers_any("get", "put", "update", "delete")
overwrites: Final = offers_any("put", "update", "delete")
