"""Every installed resource keeps every rule of the contract, and a resource that breaks one is found and named."""

import litestar
import pytest
from litestar.params import JSONBody
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from app.core.data.ownership.session import AppSession
from app.core.data.repository.rows import Row
from app.core.http.resource.controller import PathId, RepositoryDependency, ResourceController
from app.installed import INSTALLED
from app.tasks.models import Task
from app.tasks.schemas import TaskCreate, TaskUpdate
from app.testing.contract import (
    RULES,
    Resource,
    ResourceUnderTest,
    Rule,
    actions,
    applies,
    bodies,
    check_rule,
    contract_of,
    isolation,
    lists,
)
from tests.contract_faults import FAULTS, PATH, Fault, Faultless, OnlyActs, OnlyRead, OnlyWritten
from tests.contract_faults.isolation import ReadsRowsOfEveryone
from tests.parts.applications import app_with

# PostgreSQL with row level security is what production has; without it the rules are the same.
test_a_resource_keeps_the_rule = pytest.mark.quick_on("sqlite", "restricted")(contract_of(INSTALLED))


def named(fault: Fault) -> str:
    return f"{fault.resource.__name__}-{fault.found_by.__name__}"


async def assert_found(fault: Fault, tested: ResourceUnderTest) -> None:
    with pytest.raises(AssertionError) as found:
        await check_rule(fault.found_by, tested)

    message = str(found.value)
    assert message.startswith(f"{PATH} breaks `{fault.found_by.__name__}`: {(fault.found_by.__doc__ or '')[:20]}")
    assert fault.words in message


@pytest.mark.any_database
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if not fault.held_by_database], ids=named)
async def test_a_fault_is_found_and_named(
    sessions: async_sessionmaker[AppSession], db: AppSession, fault: Fault
) -> None:
    await assert_found(fault, ResourceUnderTest(fault.resource, app_with(fault.resource, sessions), db))


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.held_by_database], ids=named)
async def test_a_fault_is_found_unless_the_database_does_not_trust_what_is_above_it(
    sessions: async_sessionmaker[AppSession], db: AppSession, owner_engine: AsyncEngine | None, fault: Fault
) -> None:
    tested = ResourceUnderTest(fault.resource, app_with(fault.resource, sessions), db)

    if owner_engine:  # the role that serves is not the owner: row level security holds
        await check_rule(fault.found_by, tested)
    else:
        await assert_found(fault, tested)


@pytest.mark.any_database
@pytest.mark.parametrize("rule", dict.fromkeys(fault.found_by for fault in FAULTS), ids=lambda rule: rule.__name__)
async def test_without_the_fault_nothing_is_found(
    sessions: async_sessionmaker[AppSession], db: AppSession, rule: Rule
) -> None:
    await check_rule(rule, ResourceUnderTest(Faultless, app_with(Faultless, sessions), db))


FEWER = [
    pytest.param(resource, rule, id=f"{resource.__name__}-{rule.__name__}")
    for resource in (OnlyRead, OnlyWritten, OnlyActs)
    for rule in RULES
    if applies(rule, resource)
]


@pytest.mark.quick_on("sqlite")  # which rules apply does not depend on the database
@pytest.mark.parametrize(("resource", "rule"), FEWER)
async def test_a_resource_with_fewer_operations_keeps_the_rules_about_them(
    sessions: async_sessionmaker[AppSession], db: AppSession, resource: Resource, rule: Rule
) -> None:
    await check_rule(rule, ResourceUnderTest(resource, app_with(resource, sessions), db))


def test_a_rule_is_about_what_a_resource_offers() -> None:
    assert all(applies(rule, Faultless) for rule in RULES)
    assert applies(isolation.another_users_row_is_like_a_missing_row, OnlyRead)
    assert not applies(bodies.a_deleted_row_is_a_404, OnlyRead)
    assert not applies(lists.page_parameters_have_bounds, OnlyWritten)
    assert applies(isolation.another_users_row_is_like_a_missing_row, OnlyActs)
    assert not any(applies(rule, OnlyRead) for rule in RULES if rule.__module__ == actions.__name__)


class ReadsEveryones(ReadsRowsOfEveryone):
    operations = frozenset({"get"})


@pytest.mark.any_database
async def test_a_fault_in_a_resource_that_is_only_read_is_found(
    sessions: async_sessionmaker[AppSession], db: AppSession
) -> None:
    fault = Fault(
        ReadsEveryones,
        isolation.another_users_row_is_like_a_missing_row,
        "get of another user's row and of a missing row",
    )

    await assert_found(fault, ResourceUnderTest(ReadsEveryones, app_with(ReadsEveryones, sessions), db))


class ClosesForAnybody(OnlyRead):
    operations = frozenset({"list", "close"})

    @litestar.post("/{id:int}/close", public=True, return_dto=None)
    async def close(self, id: PathId) -> None:
        pass


@pytest.mark.any_database
async def test_an_operation_of_ones_own_needs_a_token(sessions: async_sessionmaker[AppSession], db: AppSession) -> None:
    fault = Fault(ClosesForAnybody, isolation.every_operation_needs_a_valid_token, "close: expected 401")

    await assert_found(fault, ResourceUnderTest(ClosesForAnybody, app_with(ClosesForAnybody, sessions), db))


class TaskCreateWithTags(TaskCreate):
    tags: list[str]


class TaskUpdateWithTags(TaskUpdate):
    tags: list[str]


class TakesTags(ResourceController[Task, TaskCreateWithTags, TaskUpdateWithTags]):
    path = PATH

    @litestar.post()
    async def create(self, repository: RepositoryDependency[Task], data: JSONBody[TaskCreateWithTags]) -> Row:
        return await repository.insert_one(data.model_dump(exclude={"tags"}))

    @litestar.put("/{id:int}")
    async def put(self, repository: RepositoryDependency[Task], id: PathId, data: JSONBody[TaskUpdateWithTags]) -> Row:
        return await repository.update_one(id, data.model_dump(exclude_unset=True, exclude={"tags"}))

    @litestar.patch("/{id:int}")
    async def update(
        self, repository: RepositoryDependency[Task], id: PathId, data: JSONBody[TaskUpdateWithTags]
    ) -> Row:
        return await repository.update_one(id, data.model_dump(exclude_unset=True, exclude={"tags"}))


@pytest.mark.any_database
async def test_a_list_of_texts_is_no_fault(sessions: async_sessionmaker[AppSession], db: AppSession) -> None:
    await check_rule(
        bodies.an_error_never_repeats_the_values_sent, ResourceUnderTest(TakesTags, app_with(TakesTags, sessions), db)
    )


def test_every_rule_is_seen_failing() -> None:
    assert {rule.__name__ for rule in RULES} == {fault.found_by.__name__ for fault in FAULTS}


def test_a_rule_says_what_it_promises() -> None:
    assert len(RULES) > 20
    assert [rule.__name__ for rule in RULES if not rule.__doc__] == []
