"""Rules about `expand` and `counts`, against the rows that they are about."""

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import select

from app.core.data.repository.repository import Repository
from app.core.data.tables.indexes import is_one_per_owner
from app.core.data.tables.links import Link, links_of
from app.core.data.tables.owned import OWNER_COLUMN, Owned
from app.core.data.tables.references import Reference, references_of
from app.core.data.tables.registry import columns_of, owned_models, table_name, table_of
from app.core.data.tables.relations import COUNTS, relations_of
from app.testing.clients import Client
from app.testing.contract.answers import expect, row_in
from app.testing.contract.operations import CHANGES, CREATE, GET, LIST, Resource
from app.testing.contract.resource import ResourceUnderTest, path_of
from app.testing.contract.rules import has_many, offers_any, rule
from app.testing.factories import factory_of

Row = dict[str, Any]


def expands(resource: Resource) -> bool:
    """Tell whether clients can expand relations of a resource."""
    return bool(resource.expand)


async def _text_of(tested: ResourceUnderTest, model: type[Owned], row_id: int) -> str:
    # To the last byte.
    if path := path_of(model, GET):
        return (await tested.owner.get(f"{path}/{row_id}")).text
    return msgspec.json.encode(await Repository.of(model)(session=tested.db).select_one(row_id)).decode()


async def _expect_expanded(tested: ResourceUnderTest, label: str, text: str, rows: list[Row]) -> None:
    for row in rows:
        for name in tested.resource.expand:
            relation = relations_of(tested.resource.model)[name]
            value = row[relation.column]
            ids = value if relation.links is not None else [value] if value else []
            texts = [await _text_of(tested, relation.model, each) for each in ids]
            wanted = f"[{','.join(texts)}]" if relation.links is not None else (texts or ["null"])[0]
            assert f'"{name}":{wanted}' in text, f"{label}: expected {name!r} as {wanted}, got {text}"
            expect(f"{label}: the owners in {name}", {*_owners_in(row[name])} - {tested.owner.user}, set())


def _owners_in(part: Any) -> Iterator[Any]:
    if isinstance(part, dict):
        yield part[OWNER_COLUMN]
    for each in part if isinstance(part, list) else ():
        yield from _owners_in(each)


@rule(expands, has_many)
async def an_expanded_row_is_that_of_its_own_get(tested: ResourceUnderTest) -> None:
    """`expand` adds rows as GET of each returns them, in the order of the ids: to lists, to rows, and after writes."""
    await tested.create_row(tested.stranger)
    rows = [await tested.create_row(tested.owner), await tested.create_row(tested.owner)]
    after = f"?expand={','.join(tested.resource.expand)}"
    for operation in (*tested.offered((GET, CREATE, *CHANGES)), *tested.actions):
        body = await tested.new_body(tested.owner) if operation is CREATE else {}
        options: dict[str, Any] = {"json": body} if operation.has_body else {}
        answer = await tested.send(tested.owner, operation, rows[0]["id"], after=after, **options)
        row = row_in(answer, 201 if operation is CREATE else 200)
        await _expect_expanded(tested, operation.name, answer.text, [row])
    for query in (
        (after, f"{after}&sort=-id&fields=id,{','.join(_columns(tested))}") if LIST in tested.operations else ()
    ):
        answer = await tested.send(tested.owner, LIST, after=query)
        expect(f"GET {tested.resource.path}{query}", answer.status_code, 200)
        await _expect_expanded(tested, query, answer.text, answer.json())


def _columns(tested: ResourceUnderTest) -> list[str]:
    return [relations_of(tested.resource.model)[name].column for name in tested.resource.expand]


async def _numbers(tested: ResourceUnderTest, caller: Client, name: str, row_id: int) -> int:
    """Return how many rows of the caller refer to a row, counted in Python."""
    model, columns = _referrer(tested.resource, name)
    user_id: Any = getattr(model, OWNER_COLUMN)
    rows = await tested.db.execute(select(*columns_of(model)).where(user_id == caller.user))
    found = [row._mapping[column] for row in rows for column in columns]
    return sum(row_id in value if isinstance(value, list) else value == row_id for value in found)


def _referrer(resource: Resource, name: str) -> tuple[Any, list[str]]:
    table, _, column = name.partition(".")
    model = next(each for each in owned_models() if table_name(each) == table)
    references: tuple[Reference | Link, ...] = (*references_of(model), *links_of(model))
    referring = [each.column for each in references if each.model is resource.model]
    return model, [each for each in referring if column in {"", each}]


async def _refer(tested: ResourceUnderTest, caller: Client, name: str, row_id: int) -> None:
    model, [column] = _referrer(tested.resource, name)
    targets = {
        each.column: await tested.create_target(each, caller)
        for each in references_of(model)
        if each.column != column and each.model is not model and not each.nullable
    }
    value = [row_id] if column in {link.column for link in links_of(model)} else row_id
    await factory_of(model).create_async(user_id=str(caller.user), **targets, **{column: value})


@rule(offers_any("list", "get"))
async def counts_are_the_numbers_of_the_rows_that_refer(tested: ResourceUnderTest) -> None:
    """`counts` adds the numbers of the caller's rows that refer to a row; rows of others change none of them."""
    if not tested.resource.counts:
        return
    for caller in (tested.stranger, tested.owner):
        rows = [await tested.create_row(caller), await tested.create_row(caller)]
        for name in tested.resource.counts:
            only_one = is_one_per_owner(table_of(_referrer(tested.resource, name)[0]))
            for row in (rows[0], *(() if only_one else (rows[0], rows[1]))):
                await _refer(tested, caller, name, row["id"])
    after = f"?counts={','.join(tested.resource.counts)}"
    found = []
    if LIST in tested.operations:
        found += (await tested.send(tested.owner, LIST, after=after)).json()
    for row in rows if GET in tested.operations else ():
        found.append(row_in(await tested.send(tested.owner, GET, row["id"], after=after)))
    for row in found:
        wanted = {name: await _numbers(tested, tested.owner, name, row["id"]) for name in tested.resource.counts}
        expect(f"the counts of the row {row['id']}", row[COUNTS], wanted)
