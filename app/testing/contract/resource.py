"""A resource under test, with its clients, rows and bodies."""

import json
import time
from functools import cache
from itertools import count
from typing import Any, Final, cast

import httpx
import jwt
import msgspec
from litestar import Litestar
from sqlalchemy import inspect, select
from sqlmodel import SQLModel

from app.core.auth.tokens import ALGORITHM
from app.core.data.ownership.session import AppSession
from app.core.data.repository.pages import PageRequest
from app.core.data.repository.repository import Repository
from app.core.data.repository.rows import Row
from app.core.data.tables.indexes import is_one_per_owner
from app.core.data.tables.links import Link, links_of
from app.core.data.tables.owned import Owned
from app.core.data.tables.references import Reference, references_of
from app.core.data.tables.registry import columns_of, table_of
from app.installed import INSTALLED
from app.testing.clients import Client
from app.testing.contract.answers import expect, row_in
from app.testing.contract.operations import (
    CREATE,
    DELETE,
    GET,
    LIST,
    STANDARD,
    Operation,
    Resource,
    action_operations,
    figures_operations,
)
from app.testing.databases import SECRET
from app.testing.factories import RuleFactory, factory_of

ABSENT: Final = 2**62
"""A possible id that no row has."""

_numbers = count(1)


@cache
def body_factory(schema: type[SQLModel]) -> type[RuleFactory[Any]]:
    """Return a factory for valid bodies of a schema: each field has a value, and no value is null."""
    made = RuleFactory.create_factory(schema, __allow_none_optionals__=False)
    return cast("type[RuleFactory[Any]]", made)


def make_body(schema: type[SQLModel], **given: Any) -> dict[str, Any]:
    """Return a valid body of a schema, as JSON data."""
    return cast("dict[str, Any]", json.loads(body_factory(schema).build(**given).model_dump_json()))


class ResourceUnderTest:
    """A resource with clients: an owner, a stranger, a user without rows, and two without a valid token.

    Its users are new, so rows of other tests do not matter. If the resource lacks an operation that a rule needs, such
    as creating a row, the database is used instead.
    """

    def __init__(self, resource: Resource, app: Litestar, db: AppSession) -> None:
        number = next(_numbers)
        expired = jwt.encode({"sub": f"owner-{number}", "exp": int(time.time()) - 1}, SECRET, algorithm=ALGORITHM)
        self.resource = resource
        self.db = db
        self.owner = Client(app, f"owner-{number}")
        self.stranger = Client(app, f"stranger-{number}")
        self.newcomer = Client(app, f"newcomer-{number}")
        self.anonymous = Client(app)
        self.expired = Client(app)
        self.expired.headers["Authorization"] = f"Bearer {expired}"
        columns = inspect(resource.model).columns
        self.columns = list(columns.keys())
        self.nullable = {name: bool(column.nullable) for name, column in columns.items()}
        self.references = references_of(resource.model)
        self.actions = action_operations(resource)
        self.operations = (*self.offered(STANDARD), *self.actions, *figures_operations(resource))

    def offered(self, operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
        return tuple(operation for operation in operations if operation.name in self.resource.operations)

    async def send(
        self, caller: Client, operation: Operation, row_id: object = ABSENT, *, after: str = "", **options: Any
    ) -> httpx.Response:
        """Send a request. `after` is appended to the path; without a body, an empty object is sent if needed."""
        path = self.resource.path + operation.path.replace("{id}", str(row_id))
        if operation.has_body and not options.keys() & {"json", "content"}:
            options["json"] = {}
        return await caller.request(operation.method, path + after, **options)

    async def new_body(self, caller: Client) -> dict[str, Any]:
        """Return a valid body for POST: each field has a value, and references are to rows of the caller."""
        references = {
            each.column: None if each.model is self.resource.model else await self.create_target(each, caller)
            for each in self.references
            if each.column in self.resource.create_schema.model_fields
        }
        lists = {
            each.column: [await self.create_target(each, caller)]
            for each in links_of(self.resource.model)
            if each.column in self.resource.create_schema.model_fields
        }
        return make_body(self.resource.create_schema, **references, **lists)

    async def create_row(self, caller: Client, **changes: Any) -> dict[str, Any]:
        """Store a row and return it; where an owner has one row at most, it takes the place of the caller's."""
        for earlier in await self.list_rows(caller) if is_one_per_owner(table_of(self.resource.model)) else ():
            await self.delete_row(caller, earlier["id"])
        if CREATE in self.operations:
            return row_in(await self.send(caller, CREATE, json=await self.new_body(caller) | changes), 201)
        row = await factory_of(self.resource.model).create_async(user_id=str(caller.user), **changes)
        return await self.read_row(caller, row.id or 0)

    async def read_row(self, caller: Client, row_id: int) -> dict[str, Any]:
        if GET in self.operations:
            return row_in(await self.send(caller, GET, row_id))
        return as_json(await Repository.of(self.resource.model)(session=self.db).select_one(row_id))

    async def list_rows(self, caller: Client) -> list[dict[str, Any]]:
        """Return the rows of the caller, at most 100."""
        if LIST in self.operations:
            return cast("list[dict[str, Any]]", (await caller.get(self.resource.path)).json())
        page = await Repository.of(self.resource.model)(session=self.db).select_page(PageRequest(100))
        return [as_json(row) for row in page.rows if row.user_id == caller.user]

    async def delete_row(self, caller: Client, row_id: int) -> None:
        if DELETE in self.operations:
            expect("delete", (await self.send(caller, DELETE, row_id)).status_code, 204)
        else:
            await Repository.of(self.resource.model)(session=self.db).delete_one(row_id)

    async def create_target(self, reference: Reference | Link, caller: Client) -> int:
        row = await factory_of(reference.model).create_async(user_id=str(caller.user))
        assert row.id is not None
        return row.id

    async def all_rows(self) -> list[tuple[Any, ...]]:
        """Return the rows of all users, as they are in the database."""
        columns = columns_of(self.resource.model)
        return [tuple(row) for row in await self.db.execute(select(*columns).order_by(columns[0]))]


def as_json(row: Row) -> dict[str, Any]:
    """Return a row of the repository as a client gets it."""
    return cast("dict[str, Any]", msgspec.json.decode(msgspec.json.encode(row)))


def path_of(model: type[Owned], operation: Operation) -> str | None:
    """Return the path of the resource that offers an operation on the rows of a table; None if none does."""
    found = (each.path for each in INSTALLED if each.model is model and operation.name in each.operations)
    return next(found, None)
