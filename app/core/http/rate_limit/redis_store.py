"""Shared counts: workers and machines count together, in a Redis or a Valkey; the extra `redis` brings the client.

One connection serves all requests of a process: those that come while the store is asked are counted together in the
next round trip. While the store is away each process counts for itself: a limit that is too generous for a while is
better than no answers, or none that are limited.
"""

import asyncio
import logging
from time import monotonic
from typing import Final, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.core.http.rate_limit.memory_store import RateLimitStore, Window

logger = logging.getLogger(__name__)

ANSWERS_WITHIN: Final = 0.25  # seconds
ASKED_AGAIN_AFTER: Final = 5.0  # seconds, by one request

_PREFIX: Final = "litestead:rate:"
_MOST_TOGETHER: Final = 200  # requests; the store does nothing else meanwhile


class _Waiting(NamedTuple):
    """A request that waits to be counted."""

    key: str
    seconds: int
    hit: asyncio.Future[Window]


class RedisStore:
    """Counts in the store, or with `meanwhile` where it does not answer."""

    def __init__(self, url: str, meanwhile: RateLimitStore) -> None:
        self._redis = Redis.from_url(
            url.replace("valkey", "redis", 1) if url.startswith("valkey") else url,  # one protocol, and one client
            socket_timeout=ANSWERS_WITHIN,
            socket_connect_timeout=ANSWERS_WITHIN,
            retry=Retry(NoBackoff(), 1),  # a connection that has idled may be gone; to count twice does no harm
            single_connection_client=True,
        )
        self._meanwhile = meanwhile
        self._waiting: list[_Waiting] = []
        self._counting: asyncio.Task[None] | None = None
        self._asked_from = 0.0  # when the store may be asked again, 0 while it answers

    async def hit(self, key: str, seconds: int) -> Window:
        """Count."""
        if (now := monotonic()) < self._asked_from:
            return await self._meanwhile.hit(key, seconds)
        if self._asked_from:
            self._asked_from = now + ASKED_AGAIN_AFTER  # by this request; the others do not wait for it
        try:
            hit = await self._count(_PREFIX + key, seconds)
        except (RedisError, OSError) as error:
            self._note_away(error)
            return await self._meanwhile.hit(key, seconds)
        self._note_back()
        return hit

    async def aclose(self) -> None:
        """Close the connection."""
        await self._redis.aclose()
        await self._meanwhile.aclose()

    async def _count(self, key: str, seconds: int) -> Window:
        waiting = _Waiting(key, seconds, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._counting is None or self._counting.done():
            self._counting = asyncio.create_task(self._count_all())
        return await waiting.hit

    async def _count_all(self) -> None:
        """Count all who wait, and those who come meanwhile."""
        while self._waiting:
            together, self._waiting = self._waiting[:_MOST_TOGETHER], self._waiting[_MOST_TOGETHER:]
            try:
                hits = await self._count_together(together)
            except Exception as error:  # whatever it is, nobody may wait for ever
                for waiting in together:
                    _answer(waiting, error)
            else:
                for waiting, hit in zip(together, hits, strict=True):
                    _answer(waiting, hit)

    async def _count_together(self, together: list[_Waiting]) -> list[Window]:
        async with self._redis.pipeline(transaction=True) as pipeline:
            for key, seconds, _ in together:
                pipeline.set(key, 0, ex=seconds, nx=True)
                pipeline.incr(key)
                pipeline.pttl(key)
            said = await pipeline.execute()
        return [Window(count, milliseconds / 1000) for count, milliseconds in zip(said[1::3], said[2::3], strict=True)]

    def _note_away(self, error: Exception) -> None:
        if not self._asked_from:
            logger.error("RATE_LIMIT_STORAGE is away, each process counts for itself: %s", type(error).__name__)
        self._asked_from = monotonic() + ASKED_AGAIN_AFTER

    def _note_back(self) -> None:
        if self._asked_from:
            logger.info("RATE_LIMIT_STORAGE is back")
        self._asked_from = 0.0


def _answer(waiting: _Waiting, outcome: Window | Exception) -> None:
    if waiting.hit.done():  # the request was given up meanwhile
        return
    if isinstance(outcome, Exception):
        waiting.hit.set_exception(outcome)
    else:
        waiting.hit.set_result(outcome)
