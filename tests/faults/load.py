"""Load: twenty clients of several users who read and write until they are told to stop, and note what they are told."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from itertools import count
from secrets import token_hex
from typing import Any, Final, NamedTuple

import httpx

from app.core.auth.tokens import issue_token
from app.core.data.connection.retry import BUDGET
from app.core.data.errors import OutcomeUnknown
from app.testing.clients import assert_error
from app.testing.databases import SECRET
from tests.faults.ledger import Ledger, stored_in
from tests.parts.serving import NO_TLS, PATIENCE

CLIENTS: Final = 20
USERS: Final = [f"user-{number}" for number in range(10)]
UNKNOWN: Final = str(OutcomeUnknown())
LONGEST: Final = 10.0  # seconds that an answer may take, whatever happens to the database

logging.getLogger("httpx").setLevel(logging.WARNING)  # it says a line for each request


class Answer(NamedTuple):
    """How one request ended: with a status, or with an error of the connection."""

    method: str
    status: int | None
    seconds: float
    said: str

    @property
    def is_read(self) -> bool:
        return self.method == "GET"

    @property
    def is_success(self) -> bool:
        return self.status in {200, 201}

    @property
    def is_unknown(self) -> bool:
        """Whether nobody knows what became of this write: the connection broke, or the answer says so."""
        return not self.is_read and (self.status is None or (self.status == 503 and UNKNOWN in self.said))


class Load:
    """The clients of one server: their answers, the rows of others that they saw, and the ledger of their writes."""

    def __init__(self, url: str, *, writes: float = 0.3) -> None:
        self.answers: list[Answer] = []
        self.ledger = Ledger()
        self.run = token_hex(4)
        self.strangers: list[dict[str, Any]] = []
        self.stopped = False
        self._url = url
        self._writes = writes

    @property
    def failures(self) -> list[Answer]:
        """Every request that did not get what it asked for."""
        return [answer for answer in self.answers if not answer.is_success]

    @property
    def hasty(self) -> list[Answer]:
        """Every failure that the application did not first try to spare its client, and whose outcome it knows."""
        return [answer for answer in self.failures if not answer.is_unknown and answer.seconds < BUDGET / 2]

    async def more(self, wanted: int, of: Callable[[Answer], bool] = lambda answer: answer.is_success) -> None:
        """Wait until so many more requests have ended like this."""
        before = len(self.answers)
        deadline = time.monotonic() + PATIENCE
        while sum(map(of, self.answers[before:])) < wanted:
            assert time.monotonic() < deadline, f"this does not come any more, but {self.answers[-3:]}"
            await asyncio.sleep(0.02)

    def check(self, database_url: str, statuses: AbstractSet[int | None] = frozenset({200, 201, 503})) -> None:
        """Assert what holds whatever happens: no 500, no hang, no row of others, nothing lost, twice or unreported."""
        unexpected = [answer for answer in self.answers if answer.status not in statuses]
        slow = [answer for answer in self.answers if answer.seconds > LONGEST]
        differences = self.ledger.differences(row for row in stored_in(database_url) if row.title.startswith(self.run))
        assert (unexpected, slow, self.strangers, differences) == ([], [], [], []), (unexpected, slow, differences)

    async def live(self, number: int) -> None:
        """Be one client until all are stopped, or until the server refuses to be connected to."""
        user = USERS[number % len(USERS)]
        headers = {"Authorization": f"Bearer {issue_token(user, SECRET.encode(), 3600)}"}
        limits = httpx.Limits(max_connections=1)
        async with httpx.AsyncClient(
            base_url=self._url, headers=headers, limits=limits, timeout=PATIENCE, verify=NO_TLS
        ) as client:
            one = _Client(self, client, user, number)
            while not self.stopped:
                await one.acquire_slot(writes=self._writes)


class _Client:
    """One of them. It changes only what it has stored itself, so it knows what must be there."""

    def __init__(self, load: Load, client: httpx.AsyncClient, user: str, number: int) -> None:
        self._load, self._client, self._user, self._number = load, client, user, number
        self._random = random.Random(number)  # noqa: S311 # the same load in every run
        self._marks = count()
        self._rows: list[tuple[int, str]] = []

    async def acquire_slot(self, writes: float) -> None:
        if not self._rows or self._random.random() < writes * 0.7:
            await self._create()
        elif self._random.random() < writes:
            await self._change(*self._random.choice(self._rows))
        elif self._random.random() < 0.5:
            await self._list()
        else:
            await self._get(*self._random.choice(self._rows))

    async def _create(self) -> None:
        title = f"{self._load.run}-{self._number}-{next(self._marks)}"
        answer, row = await self._ask("POST", "/api/tasks", json={"title": title})
        if row:
            self._rows.append((row["id"], title))
            self._load.ledger.created(title, self._user)
        elif answer.is_unknown:
            self._load.ledger.unknown.add(title)

    async def _change(self, row_id: int, title: str) -> None:
        description = f"{self._number}-{next(self._marks)}"
        answer, row = await self._ask("PATCH", f"/api/tasks/{row_id}", json={"description": description})
        if row or answer.is_unknown:
            self._load.ledger.changed(title, description, for_sure=bool(row))

    async def _list(self) -> None:
        _, rows = await self._ask("GET", "/api/tasks", params={"limit": 20})
        self._load.strangers += [row for row in rows or [] if row["user_id"] != self._user]

    async def _get(self, row_id: int, title: str) -> None:
        _, row = await self._ask("GET", f"/api/tasks/{row_id}")
        if row and (row["id"], row["user_id"], row["title"]) != (row_id, self._user, title):
            self._load.strangers.append(row)

    async def _ask(self, method: str, path: str, **options: Any) -> tuple[Answer, Any]:
        """Return how it ended, and what was asked for; None for that where it failed."""
        begin = time.monotonic()
        try:
            response = await self._client.request(method, path, **options)
        except httpx.ConnectError:  # the server is not there any more: nothing was sent, and the load is over
            self._load.stopped = True
            return Answer("GET", None, 0, "refused"), None
        except httpx.TransportError as error:
            return self._note(Answer(method, None, time.monotonic() - begin, repr(error))), None
        if response.status_code == 503:
            assert_error(response, 503)
            assert int(response.headers["retry-after"]) > 0
        answer = self._note(Answer(method, response.status_code, time.monotonic() - begin, response.text[:200]))
        return answer, None if response.is_error else response.json()

    def _note(self, answer: Answer) -> Answer:
        self._load.answers.append(answer)
        return answer


@asynccontextmanager
async def under_load(url: str, *, clients: int = CLIENTS, writes: float = 0.3) -> AsyncIterator[Load]:
    """Let the clients work while the block runs, from when each has had its first answers; then let them finish."""
    load = Load(url, writes=writes)
    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(load.live(number))
        try:
            await load.more(5 * clients)
            yield load
        finally:
            load.stopped = True
