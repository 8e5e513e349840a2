"""What a rule looks at: one resource, the callers that meet it, and the rows and bodies that it accepts."""

import json
import time
from collections.abc import Callable, Coroutine
from functools import cache
from itertools import count
from typing import Any, Final, NamedTuple, cast

import httpx
import jwt
from litestar import Litestar
from sqlalchemy import inspect, select
from sqlmodel import SQLModel

from app.core.auth.tokens import ALGORITHM
from app.core.data.ownership.session import AppSession
from app.core.data.tables.owned import Owned
from app.core.data.tables.references import Reference, references_of
from app.core.data.tables.registry import columns_of
from app.core.http.resource.controller import ResourceController
from app.installed import INSTALLED
from app.testing.clients import Client, assert_error
from app.testing.databases import SECRET
from app.testing.factories import RuleFactory, factory_of

Resource = type[ResourceController[Any, Any, Any]]

ABSENT: Final = 2**62
"""An id that a row could have, and none has."""

_OF_THE_MOMENT: Final = frozenset({"date", "x-request-id", "x-response-time", "server-timing"})
_numbers = count(1)


class Operation(NamedTuple):
    """One of the six things that a resource offers."""

    name: str
    method: str
    on_row: bool
    has_body: bool


OPERATIONS: Final = (
    Operation("list", "GET", on_row=False, has_body=False),
    Operation("create", "POST", on_row=False, has_body=True),
    Operation("get", "GET", on_row=True, has_body=False),
    Operation("put", "PUT", on_row=True, has_body=True),
    Operation("update", "PATCH", on_row=True, has_body=True),
    Operation("delete", "DELETE", on_row=True, has_body=False),
)
WRITES: Final = tuple(operation for operation in OPERATIONS if operation.has_body)
CHANGES: Final = tuple(operation for operation in WRITES if operation.on_row)
CREATE: Final = OPERATIONS[1]
GET: Final = OPERATIONS[2]
DELETE: Final = OPERATIONS[5]


@cache
def body_factory(schema: type[SQLModel]) -> type[RuleFactory[Any]]:
    """Return a maker of bodies that a schema accepts, with every field in them and none of them null."""
    made = RuleFactory.create_factory(schema, __allow_none_optionals__=False)
    return cast("type[RuleFactory[Any]]", made)


def make_body(schema: type[SQLModel], **given: Any) -> dict[str, Any]:
    """Return such a body, as it would be sent."""
    return cast("dict[str, Any]", json.loads(body_factory(schema).build(**given).model_dump_json()))


class Subject:
    """A resource under examination, with an owner, a stranger and two callers who have no valid token.

    The users are new ones each time, so that rows of another examination are not in the way.
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

    async def send(
        self, caller: Client, operation: Operation, row_id: object = ABSENT, *, after: str = "", **options: Any
    ) -> httpx.Response:
        """Ask for an operation; `after` is put behind the path, a body is an empty object where none is given."""
        path = f"{self.resource.path}/{row_id}" if operation.on_row else self.resource.path
        if operation.has_body and not options.keys() & {"json", "content"}:
            options["json"] = {}
        return await caller.request(operation.method, path + after, **options)

    async def body(self, caller: Client) -> dict[str, Any]:
        """Return a body that creates a row, full of values; what it refers to is the caller's."""
        references = {
            reference.column: None if reference.model is self.resource.model else await self.referred(reference, caller)
            for reference in self.references
            if reference.column in self.resource.create_schema.model_fields
        }
        return make_body(self.resource.create_schema, **references)

    async def created(self, caller: Client, **changes: Any) -> dict[str, Any]:
        """Create a row for the caller and return it as it was answered."""
        return row_in(await self.send(caller, CREATE, json=await self.body(caller) | changes), 201)

    async def read(self, caller: Client, row_id: int) -> dict[str, Any]:
        """Read a row that is there for the caller."""
        return row_in(await self.send(caller, GET, row_id))

    async def listed(self, caller: Client) -> list[dict[str, Any]]:
        """Return what the caller's list holds, which must be one page."""
        return cast("list[dict[str, Any]]", (await caller.get(self.resource.path)).json())

    async def referred(self, reference: Reference, caller: Client) -> int:
        """Store a row for the caller that a reference can name, and return its id."""
        row = await factory_of(reference.model).create_async(user_id=str(caller.user))
        assert row.id is not None
        return row.id

    async def stored(self) -> list[tuple[Any, ...]]:
        """Return all rows of the table, everybody's, as the database has them."""
        columns = columns_of(self.resource.model)
        return [tuple(row) for row in await self.db.execute(select(*columns).order_by(columns[0]))]


Rule = Callable[[Subject], Coroutine[Any, Any, None]]
RULES: Final[list[Rule]] = []


def rule(function: Rule) -> Rule:
    """Add a rule to those that every resource keeps; its docstring says what it promises."""
    RULES.append(function)
    return function


def path_of(model: type[Owned]) -> str | None:
    """Return where the rows of a table are found, if anywhere."""
    return next((controller.path for controller in INSTALLED if controller.model is model), None)


def expect(what: str, actual: object, expected: object) -> None:
    """Assert that two things are equal, and say both where they are not."""
    assert actual == expected, f"{what}: expected {expected!r}, got {actual!r}"


def expect_error(what: str, answer: httpx.Response, status: int, *fields: str) -> None:
    """Assert that an answer is an error in the one form that names these places, `body.title`, and no others."""
    came = answer.status_code
    assert came == status, f"{what}: {status} expected, {came} came: {answer.text}"
    try:
        found = assert_error(answer, status)
    except AssertionError as error:
        raise AssertionError(f"{what}: {error}") from None
    if fields:
        named = {".".join(map(str, entry["loc"])) for entry in found["errors"]}
        expect(f"{what}: the fields named", named, set(fields))


def seen_in(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Return all that a client can tell answers apart by; the time and the request's own id are no differences."""
    headers = [item for item in answer.headers.multi_items() if item[0].lower() not in _OF_THE_MOMENT]
    return answer.status_code, answer.content, headers


def row_in(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """Assert that an answer succeeded, and return the row in it."""
    what = f"{answer.request.method} {answer.request.url.path}"
    assert answer.status_code == status, f"{what}: expected {status}, got {answer.status_code} {answer.text}"
    row = answer.json()
    assert isinstance(row, dict), f"{what}: expected an object, got {answer.text}"
    return row


def but_for_time(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without what moves whenever it changes."""
    return {name: value for name, value in row.items() if name != "updated_at"}
