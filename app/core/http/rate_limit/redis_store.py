"""The Redis store: all processes count together, in Redis or Valkey (the extra `redis`).

A process has one connection. Requests that arrive during a round trip are counted together in the next one.
"""

import asyncio
import logging
from time import monotonic
from typing import Final, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.core.http.rate_limit.store import RateLimitStore, Window

logger = logging.getLogger(__name__)

TIMEOUT: Final = 0.25  # seconds for a reply of the store
RETRY_AFTER: Final = 5.0  # seconds until one request tries an unavailable store again

_PREFIX: Final = "litestead:rate:"
_BATCH: Final = 200  # requests in one round trip; meanwhile the store serves no other client


class _PendingHit(NamedTuple):
    key: str
    seconds: int
    window: asyncio.Future[Window]


class RedisStore:
    """Counts in the store at `url`, and in `fallback` while the store is not available."""

    # With the fallback the limit is too high for a while. That is better than an error for each request.

    def __init__(self, url: str, fallback: RateLimitStore) -> None:
        self._redis = Redis.from_url(
            url.replace("valkey", "redis", 1) if url.startswith("valkey") else url,  # the same protocol
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 1),  # the server may have closed an idle connection; counting twice does no harm
            single_connection_client=True,
        )
        self._fallback = fallback
        self._pending: list[_PendingHit] = []
        self._flush_task: asyncio.Task[None] | None = None
        self._retry_at = 0.0  # when to try the store again; 0 while it is available

    async def hit(self, key: str, seconds: int) -> Window:
        if (now := monotonic()) < self._retry_at:
            return await self._fallback.hit(key, seconds)
        if self._retry_at:
            self._retry_at = now + RETRY_AFTER  # this request tries; the others use the fallback
        try:
            window = await self._count(_PREFIX + key, seconds)
        except (RedisError, OSError) as error:
            self._mark_away(error)
            return await self._fallback.hit(key, seconds)
        self._mark_back()
        return window

    async def aclose(self) -> None:
        await self._redis.aclose()
        await self._fallback.aclose()

    async def _count(self, key: str, seconds: int) -> Window:
        pending = _PendingHit(key, seconds, asyncio.get_running_loop().create_future())
        self._pending.append(pending)
        if self._flush_task is None or self._flush_task.done():
            self._flush_task = asyncio.create_task(self._flush())
        return await pending.window

    async def _flush(self) -> None:
        while self._pending:
            batch, self._pending = self._pending[:_BATCH], self._pending[_BATCH:]
            try:
                windows = await self._count_batch(batch)
            except Exception as error:  # any: a request must not wait forever
                for pending in batch:
                    _resolve(pending, error)
            else:
                for pending, window in zip(batch, windows, strict=True):
                    _resolve(pending, window)

    async def _count_batch(self, batch: list[_PendingHit]) -> list[Window]:
        async with self._redis.pipeline(transaction=True) as pipeline:
            for key, seconds, _ in batch:
                pipeline.set(key, 0, ex=seconds, nx=True)
                pipeline.incr(key)
                pipeline.pttl(key)
            replies = await pipeline.execute()
        return [
            Window(hits, milliseconds / 1000) for hits, milliseconds in zip(replies[1::3], replies[2::3], strict=True)
        ]

    def _mark_away(self, error: Exception) -> None:
        if not self._retry_at:
            logger.error("RATE_LIMIT_STORAGE is away, each process counts for itself: %s", type(error).__name__)
        self._retry_at = monotonic() + RETRY_AFTER

    def _mark_back(self) -> None:
        if self._retry_at:
            logger.info("RATE_LIMIT_STORAGE is back")
        self._retry_at = 0.0


def _resolve(pending: _PendingHit, outcome: Window | Exception) -> None:
    if pending.window.done():  # the request was cancelled
        return
    if isinstance(outcome, Exception):
        pending.window.set_exception(outcome)
    else:
        pending.window.set_result(outcome)
