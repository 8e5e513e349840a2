"""The contract: rules that every resource keeps. `test_contract = contract_of(INSTALLED)` tests all of them.

A rule is a coroutine about one resource; its docstring is its promise. It derives requests and expectations from the
table and the schemas, so a new noun is tested as soon as it is installed.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from litestar import Litestar

from app.core.data.ownership.session import AppSession
from app.core.data.tables.registry import table_name
from app.testing.contract import (
    actions,
    bodies,
    filters,
    headers,
    isolation,
    lists,
    orders,
    references,
    relations,
    stats,
    values,
    versions,
)
from app.testing.contract.operations import Resource
from app.testing.contract.resource import ResourceUnderTest
from app.testing.contract.rules import RULES, Rule, applies

__all__ = [
    "RULES",
    "Resource",
    "ResourceUnderTest",
    "Rule",
    "actions",
    "applies",
    "bodies",
    "check_rule",
    "contract_of",
    "filters",
    "headers",
    "isolation",
    "lists",
    "orders",
    "references",
    "relations",
    "stats",
    "values",
    "versions",
]


async def check_rule(rule: Rule, tested: ResourceUnderTest) -> None:
    """Check one rule; raise AssertionError with the resource, the rule, its promise and the difference."""
    try:
        await rule(tested)
    except Exception as error:
        promise = " ".join((rule.__doc__ or "").split())
        raise AssertionError(
            f"{tested.resource.path} breaks `{rule.__name__}`: {promise}\n{type(error).__name__}: {error}"
        ) from error


def contract_of(resources: Sequence[Resource]) -> Callable[..., Coroutine[Any, Any, None]]:
    """Return a test that checks each rule on each resource that it applies to, on each database."""
    cases = [(resource, rule) for resource in resources for rule in RULES if applies(rule, resource)]
    ids = [f"{table_name(resource.model)}-{rule.__name__}" for resource, rule in cases]

    @pytest.mark.parametrize(("resource", "rule"), cases, ids=ids)
    async def conforms(app: Litestar, db: AppSession, resource: Resource, rule: Rule) -> None:
        await check_rule(rule, ResourceUnderTest(resource, app, db))

    return conforms
