"""Shared counts: workers and machines count together, in a Redis or a Valkey; the extra `redis` brings the client.

A count is one round trip, in one transaction. While the store is away each process counts for itself: a limit that is
too generous for a while is better than no answers, or none that are limited.
"""

import logging
from time import monotonic
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.core.http.counts import Counts, Hit

logger = logging.getLogger(__name__)

ANSWERS_WITHIN: Final = 0.25  # seconds
ASKED_AGAIN_AFTER: Final = 5.0  # seconds, by one request

_PREFIX: Final = "litestead:rate:"


class SharedCounts:
    """Counts in the store, or with `meanwhile` where it does not answer."""

    def __init__(self, url: str, meanwhile: Counts) -> None:
        self._redis = Redis.from_url(
            url.replace("valkey", "redis", 1) if url.startswith("valkey") else url,  # one protocol, and one client
            socket_timeout=ANSWERS_WITHIN,
            socket_connect_timeout=ANSWERS_WITHIN,
            retry=Retry(NoBackoff(), 1),  # a connection that has idled may be gone; to count twice does no harm
        )
        self._meanwhile = meanwhile
        self._asked_from = 0.0  # when the store may be asked again, 0 while it answers

    async def hit(self, key: str, seconds: int) -> Hit:
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
        """Close the connections."""
        await self._redis.aclose()
        await self._meanwhile.aclose()

    async def _count(self, key: str, seconds: int) -> Hit:
        async with self._redis.pipeline(transaction=True) as together:
            together.set(key, 0, ex=seconds, nx=True)
            together.incr(key)
            together.pttl(key)
            _, count, milliseconds = await together.execute()
        return Hit(count, milliseconds / 1000)

    def _note_away(self, error: Exception) -> None:
        if not self._asked_from:
            logger.error("RATE_LIMIT_STORAGE is away, each process counts for itself: %s", type(error).__name__)
        self._asked_from = monotonic() + ASKED_AGAIN_AFTER

    def _note_back(self) -> None:
        if self._asked_from:
            logger.info("RATE_LIMIT_STORAGE is back")
        self._asked_from = 0.0
