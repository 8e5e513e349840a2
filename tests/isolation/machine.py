"""A state machine of Hypothesis: users with similar ids call every operation of the API, and the oracle checks it.

The application runs in an event loop in another thread, because Hypothesis is synchronous.
"""

import builtins
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule
from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import SQLModel

from app.asgi import create_app
from app.core.data.connection.engine import database_url
from app.core.data.schema.quoting import quoted
from app.core.data.tables.cycles import sorted_tables
from app.core.data.tables.references import references_of
from app.installed import INSTALLED
from app.testing.clients import Client
from app.testing.contract.answers import visible_parts
from app.testing.contract.operations import Resource
from app.testing.contract.resource import ABSENT, body_factory, make_body
from app.testing.databases import settings_for_tests
from tests.isolation.oracle import Oracle

SIMILAR_IDS = (
    ("alice", "Alice", "ALICE"),
    ("alice", "alice ", " alice"),
    ("alice", "alice%", "alice_", "%"),
    ("alice", "alic_", "al_ce", "_"),
    ("alice", "alice'--", "alice' OR '1'='1", "alice\\"),
    ("alice", "alic\u0435", "\uff41\uff4c\uff49\uff43\uff45", "al\u0131ce"),  # Cyrillic, full width, without a dot
    ("\u00e1", "a\u0301", "a", "\u00c1"),  # one character, the same in two, without its accent, in upper case
    ("stra\u00dfe", "strasse", "stra\u1e9ee"),
    ("0", "00", "-0", "0.0"),
    ("null", "None", "everyone", "ALL_OWNERS"),
    ("a" * 255, "a" * 254 + "b", "a" * 254),
    ("\U0001f401" * 255, "\U0001f401" * 254 + "\U0001f400", "\U0001f401" * 254),
)
USERS = tuple(dict.fromkeys(user for group in SIMILAR_IDS for user in group))
VARIANTS = 4
ABSENT_IDS = (0, -1, 2**62, 2**63 - 1, 2**63)


def bodies_of(resource: Resource) -> list[dict[str, Any]]:
    """Return bodies with every field of the create schema but references; in the first, nullable fields are null."""
    columns = resource.model.__table__.columns
    references = {reference.column for reference in references_of(resource.model)}
    body_factory(resource.create_schema).seed_random(1)
    made = [make_body(resource.create_schema, **dict.fromkeys(references, 1)) for _ in range(VARIANTS)]
    full = [{name: value for name, value in body.items() if name not in references} for body in made]
    return [{name: None if columns[name].nullable else value for name, value in full[0].items()}, *full[1:]]


class World:
    """The application in its own event loop, and the data that a run needs."""

    def __init__(self, portal: BlockingPortal, app: Litestar, engine: AsyncEngine, *, has_policies: bool) -> None:
        self.has_policies = has_policies
        self._portal = portal
        self._engine = engine
        self.resources = INSTALLED
        self.bodies = {resource: bodies_of(resource) for resource in INSTALLED}
        self.clients = {user: Client(app, user) for user in USERS}
        self.operations = 0
        self.absent = {r: visible_parts(self.ask(USERS[0], "GET", f"{r.path}/{ABSENT}")) for r in INSTALLED}
        self.nowhere = {r: visible_parts(self.ask(USERS[0], "POST", r.path, json=self._astray(r))) for r in INSTALLED}
        self.operations = 0

    def _astray(self, resource: Resource) -> dict[str, Any]:
        return self.bodies[resource][0] | {reference.column: ABSENT for reference in references_of(resource.model)}

    def ask(self, user: str, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request, and return its response."""
        self.operations += 1
        return self._portal.call(lambda: self.clients[user].request(method, path, **options))

    def empty(self) -> None:
        """Delete all rows, and restart ids at 1, so that a program of requests always gets the same ids."""
        self._portal.call(self._empty)

    async def _empty(self) -> None:
        tables = [quoted(table.name) for table in reversed(sorted_tables(SQLModel.metadata.tables))]
        if self._engine.dialect.name == "sqlite":
            statements = [f"DELETE FROM {table}" for table in (*tables, "sqlite_sequence")]
        else:
            statements = [f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE"]
        async with self._engine.begin() as connection:
            for statement in statements:
                await connection.exec_driver_sql(statement)


@contextmanager
def world_on(url: str, url_of_owner: str) -> Iterator[World]:
    """Run an application on a database, in a thread."""
    app = create_app(settings_for_tests(url))
    with start_blocking_portal("asyncio") as portal, portal.wrap_async_context_manager(app.lifespan()):
        engine = create_async_engine(database_url(url_of_owner))
        try:
            yield World(portal, app, engine, has_policies=url != url_of_owner)
        finally:
            portal.call(engine.dispose)


casts: st.SearchStrategy[list[str]] = (
    st.runner().flatmap(lambda machine: st.sampled_from(machine.groups)).flatmap(st.permutations)
)
kinds = st.integers(0, len(INSTALLED) - 1)
variants = st.integers(0, VARIANTS - 1)
absent = st.sampled_from(ABSENT_IDS)
most_references = max(len(references_of(resource.model)) for resource in INSTALLED)


class IsolationMachine(RuleBasedStateMachine):
    """After any requests, every user reads exactly the rows that the oracle expects.

    A row is an index in INSTALLED and an id. A rule may get any row: an own one, another user's, one of another table,
    or a deleted one. The test derives from this class and sets `world`. A run has the users of one group only.
    """

    world: ClassVar[World]
    groups: ClassVar[tuple[tuple[str, ...], ...]] = SIMILAR_IDS
    users = Bundle("users")
    rows = Bundle("rows")
    referred = st.tuples(*[st.none() | rows | rows | absent] * most_references)

    def __init__(self) -> None:
        super().__init__()
        self.world.empty()
        self.oracle = Oracle(self.world.resources, self.world.absent, self.world.nowhere)

    @initialize(target=users, cast=casts)
    def meet(self, cast: builtins.list[str]) -> Any:
        return multiple(*cast)

    @rule(target=rows, user=users, kind=kinds, variant=variants, referred=referred)
    def create(self, user: str, kind: int, variant: int, referred: Any) -> Any:
        resource = self.world.resources[kind]
        sent = self.world.bodies[resource][variant] | self._references(resource, referred)
        answer = self._ask(user, "POST", resource.path, json=sent)
        if self._is_no_id(resource, sent, answer):
            return multiple()
        row_id = self.oracle.created(user, resource, sent, answer)
        return multiple() if row_id is None else (kind, row_id)

    @rule(user=users, row=rows, method=st.sampled_from(["PUT", "PATCH"]), variant=variants, mask=st.integers(0, 255))
    def change(self, user: str, row: tuple[int, int], method: str, variant: int, mask: int) -> None:
        resource = self.world.resources[row[0]]
        fields = self.world.bodies[resource][variant].items()
        sent = {name: value for place, (name, value) in enumerate(fields) if mask >> place & 1}
        answer = self._ask(user, method, f"{resource.path}/{row[1]}", json=sent)
        self.oracle.was_changed(user, resource, row[1], sent, answer)

    @rule(user=users, row=rows, method=st.sampled_from(["PUT", "PATCH"]), referred=referred)
    def refer(self, user: str, row: tuple[int, int], method: str, referred: Any) -> None:
        resource = self.world.resources[row[0]]
        sent = self._references(resource, referred)
        answer = self._ask(user, method, f"{resource.path}/{row[1]}", json=sent)
        if not self._is_no_id(resource, sent, answer):
            self.oracle.was_changed(user, resource, row[1], sent, answer)

    @rule(user=users, row=rows)
    def read(self, user: str, row: tuple[int, int]) -> None:
        resource = self.world.resources[row[0]]
        answer = self._ask(user, "GET", f"{resource.path}/{row[1]}")
        self.oracle.was_read(user, resource, row[1], answer)

    @rule(user=users, kind=kinds, row_id=absent, method=st.sampled_from(["GET", "DELETE", "PUT", "PATCH"]))
    def miss(self, user: str, kind: int, row_id: int, method: str) -> None:
        resource = self.world.resources[kind]
        body: dict[str, Any] = {"json": {}} if method.startswith("P") else {}
        answer = self._ask(user, method, f"{resource.path}/{row_id}", **body)
        self.oracle.was_read(user, resource, row_id, answer)

    @rule(user=users, row=rows)
    def delete(self, user: str, row: tuple[int, int]) -> None:
        resource = self.world.resources[row[0]]
        answer = self._ask(user, "DELETE", f"{resource.path}/{row[1]}")
        self.oracle.was_deleted(user, resource, row[1], answer)

    @rule(user=users, kind=kinds, limit=st.integers(1, 5), offset=st.integers(0, 5), count=st.booleans())
    def list(self, user: str, kind: int, limit: int, offset: int, count: bool) -> None:
        resource = self.world.resources[kind]
        query, headers = {"limit": limit, "offset": offset}, {"Prefer": "count=exact"} if count else {}
        answer = self._ask(user, "GET", resource.path, params=query, headers=headers)
        self.oracle.was_listed(user, resource, (limit, offset), count, answer)

    def _ask(self, user: str, method: str, path: str, **options: Any) -> httpx.Response:
        answer = self.world.ask(user, method, path, **options)
        note(f"    {user!r} {method} {path} {options or ''} -> {answer.status_code} {answer.text[:300]}")
        return answer

    def _references(self, resource: Resource, referred: tuple[Any, ...]) -> dict[str, Any]:
        ids = [target[1] if isinstance(target, tuple) else target for target in referred]
        return {reference.column: row_id for reference, row_id in zip(references_of(resource.model), ids, strict=False)}

    def _is_no_id(self, resource: Resource, sent: dict[str, Any], answer: httpx.Response) -> bool:
        """Return whether the body has an id that no row can have, which validation refuses."""
        given = {r: sent[r.column] for r in references_of(resource.model) if r.column in sent}
        wrong = any(not r.nullable if value is None else not 0 < value < 2**63 for r, value in given.items())
        assert not wrong or answer.status_code == 422, answer.text
        return wrong
