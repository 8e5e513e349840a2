"""The contract as rules that every resource keeps: `test_contract = contract_of(INSTALLED)` tests all of it.

A rule is a coroutine `rule(subject)` whose docstring is its promise. What is sent and what is expected is derived from
the resource's table and schemas, so that a new noun is examined by being listed.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from litestar import Litestar

from app.core.data.ownership.session import AppSession
from app.core.data.tables.registry import table_name
from app.testing.contract import bodies, headers, isolation, lists, references, states, values
from app.testing.contract.subject import RULES, Resource, Rule, Subject

__all__ = [
    "RULES",
    "Resource",
    "Rule",
    "Subject",
    "bodies",
    "check_rule",
    "contract_of",
    "headers",
    "isolation",
    "lists",
    "references",
    "states",
    "values",
]


async def check_rule(rule: Rule, subject: Subject) -> None:
    """Hold one resource to one rule.

    Raises:
        AssertionError: naming the resource, the rule, its promise, and what was found instead.
    """
    try:
        await rule(subject)
    except Exception as error:
        promise = " ".join((rule.__doc__ or "").split())
        raise AssertionError(
            f"{subject.resource.path} breaks `{rule.__name__}`: {promise}\n{type(error).__name__}: {error}"
        ) from error


def contract_of(resources: Sequence[Resource]) -> Callable[..., Coroutine[Any, Any, None]]:
    """Return a test that holds each of the resources to each of the rules, on each database."""

    @pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
    @pytest.mark.parametrize("resource", resources, ids=lambda resource: table_name(resource.model))
    async def conforms(app: Litestar, db: AppSession, resource: Resource, rule: Rule) -> None:
        await check_rule(rule, Subject(resource, app, db))

    return conforms
