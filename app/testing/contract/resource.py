"""A resource as a rule looks at it, with the callers that meet it, and the rows and bodies that it accepts."""

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
from app.core.data.tables.owned import Owned
from app.core.data.tables.references import Reference, references_of
from app.core.data.tables.registry import columns_of
from app.installed import INSTALLED
from app.testing.clients import Client
from app.testing.contract.answers import expect, row_in
from app.testing.contract.operations import CREATE, DELETE, GET, LIST, STANDARD, Operation, Resource
from app.testing.databases import SECRET
from app.testing.factories import RuleFactory, factory_of

ABSENT: Final = 2**62
"""An id that a row could have, and none has."""

_numbers = count(1)


@cache
def body_factory(schema: type[SQLModel]) -> type[RuleFactory[Any]]:
    """Return a maker of bodies that a schema accepts, with every field in them and none of them null."""
    made = RuleFactory.create_factory(schema, __allow_none_optionals__=False)
    return cast("type[RuleFactory[Any]]", made)


def make_body(schema: type[SQLModel], **given: Any) -> dict[str, Any]:
    """Return such a body, as it would be sent."""
    return cast("dict[str, Any]", json.loads(body_factory(schema).build(**given).model_dump_json()))


class ResourceUnderTest:
    """A resource with an owner, a stranger and two callers without a valid token.

    The users are new each time, so that rows of another test are not in the way. What a rule needs and the resource
    does not offer (a new row, a look at it) comes from the database.
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
        self.operations = self.offered(STANDARD)

    def offered(self, operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
        """Return those of the operations that the resource offers."""
        return tuple(operation for operation in operations if operation.name in self.resource.operations)

    async def send(
        self, caller: Client, operation: Operation, row_id: object = ABSENT, *, after: str = "", **options: Any
    ) -> httpx.Response:
        """Ask for an operation; `after` is put behind the path, a body is an empty object where none is given."""
        path = self.resource.path + operation.path.replace("{id}", str(row_id))
        if operation.has_body and not options.keys() & {"json", "content"}:
            options["json"] = {}
        return await caller.request(operation.method, path + after, **options)

    async def body(self, caller: Client) -> dict[str, Any]:
        """Return a body that creates a row, full of values; what it refers to is the caller's."""
        references = {
            each.column: None if each.model is self.resource.model else await self.referenced(each, caller)
            for each in self.references
            if each.column in self.resource.create_schema.model_fields
        }
        return make_body(self.resource.create_schema, **references)

    async def created(self, caller: Client, **changes: Any) -> dict[str, Any]:
        """Create a row for the caller and return it as it is answered."""
        if CREATE in self.operations:
            return row_in(await self.send(caller, CREATE, json=await self.body(caller) | changes), 201)
        row = await factory_of(self.resource.model).create_async(user_id=str(caller.user), **changes)
        return await self.read(caller, row.id or 0)

    async def read(self, caller: Client, row_id: int) -> dict[str, Any]:
        """Read a row that is there for the caller."""
        if GET in self.operations:
            return row_in(await self.send(caller, GET, row_id))
        return _as_json(await Repository.of(self.resource.model)(session=self.db).select_one(row_id))

    async def listed(self, caller: Client) -> list[dict[str, Any]]:
        """Return the caller's rows, which must be one page."""
        if LIST in self.operations:
            return cast("list[dict[str, Any]]", (await caller.get(self.resource.path)).json())
        page = await Repository.of(self.resource.model)(session=self.db).select_page(PageRequest(100))
        return [_as_json(row) for row in page.rows if row.user_id == caller.user]

    async def delete(self, caller: Client, row_id: int) -> None:
        """Delete a row of the caller's."""
        if DELETE in self.operations:
            expect("delete", (await self.send(caller, DELETE, row_id)).status_code, 204)
        else:
            await Repository.of(self.resource.model)(session=self.db).delete_one(row_id)

    async def referenced(self, reference: Reference, caller: Client) -> int:
        """Store a row for the caller that a reference can name, and return its id."""
        row = await factory_of(reference.model).create_async(user_id=str(caller.user))
        assert row.id is not None
        return row.id

    async def stored(self) -> list[tuple[Any, ...]]:
        """Return all rows of the table, everybody's, as the database has them."""
        columns = columns_of(self.resource.model)
        return [tuple(row) for row in await self.db.execute(select(*columns).order_by(columns[0]))]


def _as_json(row: Row) -> dict[str, Any]:
    return cast("dict[str, Any]", msgspec.json.decode(msgspec.json.encode(row)))


def path_of(model: type[Owned], operation: Operation) -> str | None:
    """Return where this can be done with the rows of a table, if anywhere."""
    found = (each.path for each in INSTALLED if each.model is model and operation.name in each.operations)
    return next(found, None)
