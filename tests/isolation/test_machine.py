"""Thousands of random operations by users with similar ids: no user reads or changes rows of another."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import func, true

from app.core.data.connection import compiled
from app.core.data.sql import owner_compiler as compiler
from app.testing.databases import Databases
from tests.isolation.machine import SIMILAR_IDS, IsolationMachine, World, world_on
from tests.isolation.oracle import Wrong

Criteria = Callable[[Any], Any]
Groups = tuple[tuple[str, ...], ...]

QUICK = settings(
    max_examples=2,
    stateful_step_count=25,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
LONG = settings(QUICK, max_examples=120, stateful_step_count=100, derandomize=False, print_blob=True)
FIND = settings(QUICK, max_examples=10, phases=[Phase.generate])
FIND_AND_SHRINK = settings(FIND, phases=[Phase.generate, Phase.shrink])


@pytest.fixture
def world(databases: Databases) -> Iterator[World]:
    url = databases.fresh()
    with world_on(url, databases.for_owner(url)) as started:
        yield started


def search(world: World, how: settings, groups: Groups = SIMILAR_IDS) -> None:
    machine: Any = type("Machine", (IsolationMachine,), {"world": world, "groups": groups})
    run_state_machine_as_test(machine, settings=how)


def search_each_group(world: World, how: settings, groups: Groups = SIMILAR_IDS) -> None:
    for group in groups:
        search(world, how, (group,))


def test_no_user_reaches_rows_of_another(world: World) -> None:
    search_each_group(world, QUICK)

    assert world.operations >= 300


@pytest.mark.slow
def test_no_user_reaches_rows_of_another_in_a_long_search(world: World) -> None:
    search(world, LONG)

    assert world.operations >= 8_000


def no_filter(_: Any) -> Any:
    return true()


def any_case(columns: Any) -> Any:
    return func.lower(columns.user_id) == func.lower(compiler.OWNER)


def as_a_pattern(columns: Any) -> Any:
    return columns.user_id.like(compiler.OWNER)


def without_spaces(columns: Any) -> Any:
    return func.trim(columns.user_id) == func.trim(compiler.OWNER)


@pytest.fixture
def weaken(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Criteria], None]]:
    """Replace the owner's condition until the test ends."""

    def replace(criteria: Criteria) -> None:
        monkeypatch.setattr(compiler, "_owner_condition", criteria)
        compiled.compile_statement.cache_clear()  # compiled statements contain the old condition

    yield replace
    compiled.compile_statement.cache_clear()


WEAKER = (any_case, as_a_pattern, without_spaces)


@pytest.mark.hooks_alone
@pytest.mark.parametrize("criteria", [no_filter, *WEAKER])
def test_a_weaker_filter_is_found(world: World, weaken: Callable[[Criteria], None], criteria: Criteria) -> None:
    weaken(criteria)

    with pytest.raises(Wrong):
        search_each_group(world, FIND)


@pytest.mark.parametrize("criteria", [no_filter, *(pytest.param(each, marks=pytest.mark.slow) for each in WEAKER)])
def test_with_row_level_security_a_weaker_filter_leaks_nothing(
    restricted: Databases, weaken: Callable[[Criteria], None], criteria: Criteria
) -> None:
    weaken(criteria)
    url = restricted.fresh()

    with world_on(url, restricted.for_owner(url)) as world:
        assert world.has_policies
        search_each_group(world, QUICK, SIMILAR_IDS[:4])


@pytest.mark.slow
def test_a_leak_is_reported_as_a_short_program(sqlite_databases: Databases, weaken: Callable[[Criteria], None]) -> None:
    weaken(no_filter)
    url = sqlite_databases.fresh()

    with world_on(url, url) as world, pytest.raises(Wrong) as found:
        search_each_group(world, FIND_AND_SHRINK)

    program = "\n".join(found.value.__notes__)
    steps = [line for line in program.splitlines() if "state." in line]
    assert "state.meet(cast=" in steps[0]
    assert "state.create(" in program
    assert len(steps) <= 6, program
    assert " POST /api/" in program
