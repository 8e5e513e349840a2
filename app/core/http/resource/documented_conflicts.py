"""The 409 responses in the document, from the unique constraints and foreign keys of a table."""

from collections.abc import Collection, Mapping, Set

import msgspec
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example

from app.core.data.connection.violations import unique_constraints
from app.core.data.tables.indexes import is_one_per_owner
from app.core.data.tables.owned import Owned
from app.core.data.tables.references import deletion_can_be_refused
from app.core.data.tables.registry import table_of
from app.core.http.problems import ONE_PER_OWNER, REFERRED_TO, Problem, unique_conflict
from app.core.http.resource.operations import CHANGES, CREATES


def conflicts_of(
    model: type[Owned], noun: str, operations: Set[str], changed: Mapping[str, Set[str]]
) -> Mapping[str, ResponseSpec]:
    """Return the 409 response of each of these operations that can have one; actions have the fields in `changed`."""
    found: dict[str, ResponseSpec] = {}
    rules = unique_constraints(model)
    if rules:
        found = dict.fromkeys(operations & (CREATES | CHANGES), _unique_conflict(noun, rules))
    for name, fields in changed.items():
        # An index on an expression has no columns, so any field may be in it.
        if violated := [rule for rule in rules if not rule or not fields.isdisjoint(rule)]:
            found[name] = _unique_conflict(noun, violated)
    if "create" in operations and is_one_per_owner(table_of(model)):
        also = f" {found['create'].description}" if "create" in found else ""
        found["create"] = _conflict(
            f"You have a row already, and an owner has one at most.{also}", Problem(ONE_PER_OWNER)
        )
    if "delete" in operations and deletion_can_be_refused(model):
        found["delete"] = _conflict(f"Other rows still refer to this {noun}.", Problem(REFERRED_TO))
    return found


def _unique_conflict(noun: str, rules: Collection[tuple[str, ...]]) -> ResponseSpec:
    named = [rule for rule in rules if rule] or [()]
    same = ", or the same ".join(" and ".join(f"`{column}`" for column in rule) or "values" for rule in named)
    return _conflict(f"Another {noun} has the same {same}.", unique_conflict(named[0]))


def _conflict(description: str, problem: Problem) -> ResponseSpec:
    example = Example(value=msgspec.to_builtins(problem))
    return ResponseSpec(Problem, generate_examples=False, description=description, examples=[example])
