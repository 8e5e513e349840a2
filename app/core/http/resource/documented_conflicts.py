"""The 409 responses in the document, from the unique constraints and foreign keys of a table."""

from collections.abc import Mapping, Set

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


def conflicts_of(model: type[Owned], noun: str, operations: Set[str]) -> Mapping[str, ResponseSpec]:
    """Return the 409 response of each of these operations that can have one."""
    found: dict[str, ResponseSpec] = {}
    if rules := unique_constraints(model):
        named = [rule for rule in rules if rule] or [()]
        same = ", or the same ".join(" and ".join(f"`{column}`" for column in rule) for rule in named)
        found = dict.fromkeys(
            operations & (CREATES | CHANGES),
            _conflict(f"Another {noun} has the same {same}.", unique_conflict(named[0])),
        )
    if "create" in operations and is_one_per_owner(table_of(model)):
        also = f" {found['create'].description}" if "create" in found else ""
        found["create"] = _conflict(
            f"You have a row already, and an owner has one at most.{also}", Problem(ONE_PER_OWNER)
        )
    if "delete" in operations and deletion_can_be_refused(model):
        found["delete"] = _conflict(f"Other rows still refer to this {noun}.", Problem(REFERRED_TO))
    return found


def _conflict(description: str, problem: Problem) -> ResponseSpec:
    example = Example(value=msgspec.to_builtins(problem))
    return ResponseSpec(Problem, generate_examples=False, description=description, examples=[example])
