"""Fetching keys, from an issuer that rotates, stalls, lies and dies. What is counted is fetches, and not seconds."""

import asyncio
import gzip
import logging
import socket
from typing import Any, Final

import pytest

from app.core.auth.jwk_set import JwkSet, parse_jwk_set
from app.core.auth.jwks_client import MAX_AGE, MAX_RETRY_DELAY, REFRESH_INTERVAL, UNKNOWN_KEY_COOLDOWN, JwksClient
from app.core.auth.jwks_http import MAX_RESPONSE_BYTES
from tests.core.auth.conftest import until
from tests.parts.issuer import Issuer, key_set, pair


class Clock:
    """Time that passes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def published() -> list[list[str]]:
    """The ids of each set of keys that was published, one after the other."""
    return []


@pytest.fixture
def client(issuer: Issuer, clock: Clock, published: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> JwksClient:
    def publish(keys: JwkSet) -> None:
        published.append(sorted(keys.jwks))

    return JwksClient(issuer.url, publish, clock)


async def test_the_keys_are_fetched_once_at_the_start(
    issuer: Issuer, client: JwksClient, published: list[list[str]]
) -> None:
    async with client.lifespan():
        await until(lambda: published)

    assert published == [["first"]]
    assert issuer.fetches == 1


async def test_neither_start_nor_stop_waits_for_the_issuer(
    issuer: Issuer, client: JwksClient, published: list[list[str]]
) -> None:
    with issuer.stalled():
        async with client.lifespan():
            await until(lambda: issuer.fetches)

    assert published == []


async def test_the_keys_are_fetched_again_and_again_whatever_goes_wrong(
    issuer: Issuer, client: JwksClient, published: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "refresh_delay", lambda: 0)
    before = asyncio.all_tasks()
    answers = iter([RuntimeError("the dice fell off the table"), ValueError(), MemoryError()])
    real = parse_jwk_set

    def read(body: bytes) -> JwkSet:
        if error := next(answers, None):
            raise error
        return real(body)

    monkeypatch.setattr("app.core.auth.jwks_http.parse_jwk_set", read)
    async with client.lifespan():
        await until(lambda: published)
        issuer.body = key_set(pair(kid="second"))
        await until(lambda: len(published) > 1)

    assert published == [["first"], ["second"]]
    assert asyncio.all_tasks() == before, "it goes on after the end"


async def test_only_a_set_that_differs_is_published(
    issuer: Issuer, client: JwksClient, published: list[list[str]]
) -> None:
    async with client.lifespan():
        for keys in ([pair()], [pair()], [pair(), pair(kid="second")], [pair(kid="second"), pair()], [pair("ES256")]):
            issuer.body = key_set(*keys)
            await client.refresh()
            await client.refresh()

    assert published == [["first"], ["first", "second"], ["first"]]


async def test_however_many_ask_at_once_there_is_one_fetch(
    issuer: Issuer, client: JwksClient, published: list[list[str]]
) -> None:
    async with client.lifespan():
        with issuer.stalled():
            asking = [asyncio.create_task(client.refresh_for_unknown_key()) for _ in range(100)]
            await until(lambda: issuer.fetches)
            assert published == []
        await asyncio.gather(*asking)

    assert published == [["first"]]
    assert issuer.fetches == 1


async def test_who_gives_up_waiting_does_not_take_the_fetch_away_from_the_others(
    issuer: Issuer, client: JwksClient, published: list[list[str]]
) -> None:
    async with client.lifespan():
        with issuer.stalled():
            asking = [asyncio.create_task(client.refresh_for_unknown_key()) for _ in range(2)]
            await until(lambda: issuer.fetches)
            asking[0].cancel()
            await asyncio.sleep(0)
        await asking[1]

    assert asking[0].cancelled()
    assert published == [["first"]]


async def test_unknown_keys_cause_one_fetch_in_thirty_seconds(
    issuer: Issuer, client: JwksClient, clock: Clock, published: list[list[str]]
) -> None:
    async with client.lifespan():
        await until(lambda: published)
        for passed, fetches in [
            (0, 2),
            (0, 2),
            (UNKNOWN_KEY_COOLDOWN - 0.1, 2),
            (0.1, 3),
            (UNKNOWN_KEY_COOLDOWN, 4),
            (1, 4),
        ]:
            clock.now += passed
            for _ in range(50):
                await client.refresh_for_unknown_key()
            assert issuer.fetches == fetches


GOOD: Final = key_set(pair())
BOMB: Final = gzip.compress(GOOD[:-1] + b" " * 50_000_000 + b"}")

FAILURES: Final[dict[str, dict[str, Any]]] = {
    "500": {"status": 500},
    "404": {"status": 404},
    "204": {"status": 204, "body": b""},
    "redirect to itself": {"status": 302, "headers": {"Location": "/api/auth/jwks"}},
    "HTML": {"body": b"<!doctype html><title>Sign in</title>", "headers": {"Content-Type": "text/html"}},
    "no keys": {"body": key_set()},
    "only useless keys": {"body": key_set({"kty": "oct", "k": "AAAA", "kid": "first"})},
    "only private keys": {"body": key_set(pair().secret)},
    "too long": {"body": GOOD.ljust(MAX_RESPONSE_BYTES + 1)},
    "much too long": {"body": GOOD.ljust(20_000_000)},
    "a bomb": {"body": BOMB, "headers": {"Content-Encoding": "gzip"}},
    "packed": {"body": gzip.compress(GOOD), "headers": {"Content-Encoding": "gzip"}},
    "shorter than it says": {"headers": {"Content-Length": str(len(GOOD) + 50)}},
    "a bad header": {"headers": {"Content-Length": "zebra"}},
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
async def test_a_failure_is_one_line_in_the_log_and_changes_nothing(
    issuer: Issuer,
    client: JwksClient,
    published: list[list[str]],
    failure: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with client.lifespan():
        await until(lambda: published)
        vars(issuer).update(failure)
        if "body" not in failure:
            issuer.body = key_set(pair(kid="second"))
        await client.refresh()

        assert published == [["first"]]
        (line,) = (r for r in caplog.records if r.name == "app.core.auth.jwks_client" and r.levelno > logging.INFO)
        assert line.getMessage().startswith(f"cannot fetch the keys from {issuer.url}: ")
        assert line.levelno == logging.WARNING
        vars(issuer).update({"status": 200, "headers": {}, "body": key_set(pair(kid="third"))})
        await client.refresh()
        assert published == [["first"], ["third"]]


async def test_the_longest_set_is_not_too_long(issuer: Issuer, client: JwksClient, published: list[list[str]]) -> None:
    issuer.body = GOOD.ljust(MAX_RESPONSE_BYTES)
    async with client.lifespan():
        await until(lambda: published)


async def test_an_issuer_that_stalls_is_given_up(
    issuer: Issuer, client: JwksClient, published: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client.lifespan():
        await until(lambda: published)
        monkeypatch.setattr("app.core.auth.jwks_http.FETCH_TIMEOUT", 0.02)
        with issuer.stalled():
            async with asyncio.timeout(3):  # less than it takes if only a read is bounded, and not the whole fetch
                await client.refresh()

    assert published == [["first"]]
    assert client.refresh_delay() < REFRESH_INTERVAL


async def test_while_it_fails_it_is_tried_again_sooner_and_then_less_and_less_often(
    issuer: Issuer, client: JwksClient
) -> None:
    delays = []
    async with client.lifespan():
        await client.refresh()
        delays.append(client.refresh_delay())
        issuer.status = 500
        for _ in range(7):
            await client.refresh()
            delays.append(client.refresh_delay())
        issuer.status = 200
        await client.refresh()
        delays.append(client.refresh_delay())

    assert delays == [
        REFRESH_INTERVAL,
        2,
        4,
        8,
        16,
        MAX_RETRY_DELAY,
        MAX_RETRY_DELAY,
        MAX_RETRY_DELAY,
        REFRESH_INTERVAL,
    ]


async def test_the_last_good_keys_outlive_an_outage_but_not_for_ever(
    issuer: Issuer, client: JwksClient, clock: Clock, published: list[list[str]]
) -> None:
    async with client.lifespan():
        await client.refresh()
        issuer.status = 500
        clock.now += MAX_AGE - 1
        await client.refresh()
        assert published == [["first"]]
        clock.now += 1
        await client.refresh()
        assert published == [["first"], []]
        issuer.status = 200
        await client.refresh()

    assert published == [["first"], [], ["first"]]


async def test_an_issuer_that_is_not_there_is_an_error_in_the_log_until_it_is(
    published: list[list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and not listening: nobody answers here
        client = JwksClient(f"http://127.0.0.1:{taken.getsockname()[1]}/", lambda keys: published.append([]))
        async with client.lifespan():
            await client.refresh()

    assert published == []
    assert {r.levelno for r in caplog.records if r.name == "app.core.auth.jwks_client"} == {logging.ERROR}


async def test_a_client_that_has_not_been_started_fetches_nothing(issuer: Issuer, client: JwksClient) -> None:
    await client.refresh_for_unknown_key()

    assert issuer.fetches == 0
