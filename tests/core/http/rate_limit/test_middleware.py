"""Rate limits: exact for each user and each address, bounded in memory, and never in the way of a probe."""

import asyncio
from collections import Counter
from typing import Any, Final

import httpx
import pytest
from litestar import Litestar

from app.core.http.rate_limit import memory_store, setup
from app.core.http.rate_limit.memory_store import MemoryStore
from app.core.http.rate_limit.middleware import address_of
from app.core.http.rate_limit.setup import PER_ADDRESS, make_rate_limits, refuse_missing_client
from app.settings import InvalidSettings
from app.testing.clients import Client, assert_error
from app.testing.databases import settings_for_tests
from tests.core.http.conftest import Make

pytestmark = pytest.mark.any_database

REFUSED_EARLY: Final = "/api/tasks?zebra=1"  # a 422, without the database


class Clock:
    """A clock that the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(memory_store, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def from_address(app: Litestar, host: str, user: str | None = None) -> Client:
    """Return a caller at this address."""
    caller = Client(app, user)
    caller._transport.client = (host, 1)  # type: ignore[attr-defined]
    return caller


async def statuses(caller: Client, number: int, path: str = REFUSED_EARLY, **options: Any) -> list[int]:
    return [(await caller.get(path, **options)).status_code for _ in range(number)]


def standing(answer: httpx.Response) -> tuple[str, ...]:
    return tuple(answer.headers[f"ratelimit-{name}"] for name in ("limit", "remaining", "reset"))


async def test_a_user_is_told_how_they_stand_and_refused_when_it_is_too_much(make_app: Make, clock: Clock) -> None:
    alice = Client(make_app(rate_limit="2/minute"), "alice")

    first = await alice.get(REFUSED_EARLY)
    clock.now += 10.5
    second, third = await alice.get(REFUSED_EARLY), await alice.get(REFUSED_EARLY)

    assert [answer.status_code for answer in (first, second)] == [422, 422]
    assert (standing(first), standing(second)) == (("2", "1", "60"), ("2", "0", "50"))
    assert assert_error(third, 429) == {"detail": "Too many requests; try again in 50 s"}
    assert standing(third) == ("2", "0", "50")
    assert third.headers.get_list("retry-after") == ["50"]
    clock.now += int(third.headers["retry-after"])
    again = await alice.get(REFUSED_EARLY)
    assert (again.status_code, standing(again)) == (422, ("2", "1", "60"))


async def test_each_user_has_a_limit_of_their_own_wherever_they_call_from(make_app: Make) -> None:
    app = make_app(rate_limit="2/hour")

    assert await statuses(from_address(app, "192.0.2.1", "alice"), 2) == [422, 422]
    assert await statuses(from_address(app, "192.0.2.2", "alice"), 1) == [429]
    assert await statuses(from_address(app, "192.0.2.1", "bob"), 2) == [422, 422]


async def test_concurrent_requests_are_counted_exactly(make_app: Make) -> None:
    alice = Client(make_app(rate_limit="20/hour"), "alice")

    answers = await asyncio.gather(*(alice.get(REFUSED_EARLY) for _ in range(60)))

    assert Counter(answer.status_code for answer in answers) == {422: 20, 429: 40}
    assert sorted(int(a.headers["ratelimit-remaining"]) for a in answers if a.status_code == 422) == list(range(20))


async def test_what_fails_the_authentication_is_counted_by_address(make_app: Make) -> None:
    app = make_app(rate_limit="2/hour")
    most = 2 * PER_ADDRESS
    guesser, neighbour = from_address(app, "192.0.2.1"), from_address(app, "192.0.2.2")
    forged = {"Authorization": "Bearer a.b.c"}

    assert await statuses(guesser, most + 1, headers=forged) == [401] * most + [429]
    assert await statuses(guesser, 1) == [429]
    assert await statuses(neighbour, 1) == [401]
    answer = await guesser.get(REFUSED_EARLY)
    assert_error(answer, 429)
    assert "www-authenticate" not in answer.headers
    assert standing(answer)[:2] == (str(most), "0")


async def test_a_valid_token_is_not_refused_for_its_address(make_app: Make) -> None:
    app = make_app(rate_limit="1/hour")

    await statuses(from_address(app, "192.0.2.1"), PER_ADDRESS + 1)

    assert await statuses(from_address(app, "192.0.2.1", "alice"), 1) == [422]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/schema/openapi.json"), ("GET", "/fails"), ("OPTIONS", "/api/tasks")]
)
async def test_what_needs_no_token_is_counted_by_address(make_app: Make, method: str, path: str) -> None:
    caller = from_address(make_app(rate_limit="1/hour"), "192.0.2.1")

    answers = [await caller.request(method, path) for _ in range(PER_ADDRESS + 1)]

    assert [answer.status_code == 429 for answer in answers] == [False] * PER_ADDRESS + [True]
    assert standing(answers[0])[:2] == (str(PER_ADDRESS), str(PER_ADDRESS - 1))


async def test_a_probe_is_never_refused_and_never_counted(make_app: Make) -> None:
    caller = Client(make_app(rate_limit="1/hour"))

    answers = [await caller.get("/health") for _ in range(3 * PER_ADDRESS)]

    assert {answer.status_code for answer in answers} == {200}
    assert not [name for name in answers[-1].headers if name.startswith("ratelimit")]


async def test_where_it_is_off_nothing_is_counted_or_told(make_app: Make) -> None:
    answer = await Client(make_app(), "alice").get(REFUSED_EARLY)

    assert not [name for name in answer.headers if name.startswith("ratelimit")]


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("192.0.2.1", 1), "192.0.2.1"),
        (("::ffff:192.0.2.1", 1), "192.0.2.1"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64"),
        (("2001:db8:1:2::1", 1), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 1), "fe80::/64"),
        (("unknown", 1), "local"),
        (("", 0), "local"),
        (None, "local"),
    ],
)
def test_an_address_is_what_one_client_has(client: tuple[str, int] | None, address: str) -> None:
    assert address_of({"client": client}) == address


async def test_behind_a_proxy_each_client_has_an_address_of_its_own(make_app: Make) -> None:
    proxy = from_address(make_app(rate_limit="1/hour", trusted_proxies="10.0.0.0/8"), "10.0.0.1")
    clients = [f"6.6.6.{number}, 192.0.2.1" for number in range(PER_ADDRESS + 1)]

    answers = [await proxy.get("/api/tasks", headers={"X-Forwarded-For": client}) for client in clients]
    other = await proxy.get("/api/tasks", headers={"X-Forwarded-For": "192.0.2.2"})

    assert [answer.status_code for answer in answers] == [401] * PER_ADDRESS + [429]
    assert other.status_code == 401


async def test_windows_that_have_ended_leave_the_memory(clock: Clock) -> None:
    memory = MemoryStore()
    for number in range(1000):
        await memory.hit(f"early {number}", 60)
    clock.now += 60
    for number in range(600):
        await memory.hit(f"late {number}", 60)

    assert len(memory._windows) == 600


async def test_the_memory_is_bounded_and_keeps_what_ends_last(clock: Clock) -> None:
    memory = MemoryStore(size=10)
    for number in range(1000):
        clock.now += 0.001
        await memory.hit(f"user {number}", 60)

    assert len(memory._windows) <= 10
    assert (await memory.hit("user 999", 60)).hits == 2


async def test_a_window_that_ends_is_a_new_one_of_the_full_length(clock: Clock) -> None:
    memory = MemoryStore()

    assert await memory.hit("alice", 60) == (1, 60)
    clock.now += 59
    assert await memory.hit("alice", 60) == (2, 1)
    clock.now += 1
    assert await memory.hit("alice", 60) == (1, 60)


def test_a_storage_without_its_package_is_refused_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "find_spec", lambda _: None)
    settings = settings_for_tests("sqlite:///x.db", rate_limit="1/hour", rate_limit_storage="redis://h")

    for use in (make_rate_limits, refuse_missing_client):
        with pytest.raises(InvalidSettings, match=r"^RATE_LIMIT_STORAGE .*; `uv sync --extra redis`$"):
            use(settings)
