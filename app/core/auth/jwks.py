"""The issuer's keys, fetched over HTTP in the background: no request whose key is known ever waits for the issuer.

A set that cannot be fetched or read changes nothing: the last good one stays in use through an outage.
"""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import httpx

from app.core.auth.fetching import fetch_keys, make_http_client
from app.core.auth.public_keys import InvalidKeySet, PublicKeys
from app.settings import InvalidSettings

logger = logging.getLogger(__name__)

# All in seconds.
REFRESH: Final = 300.0  # between fetches
LONGEST_RETRY: Final = 30.0  # between fetches while they fail; the first retries come sooner
COOLDOWN: Final = 30.0  # between fetches for the sake of key ids that nobody knows, however many are sent
OUTAGE: Final = 24 * 3600.0  # without a good answer, after which the last good set is used no more


class JwksClient:
    """Fetches the keys at an address, one fetch at a time, and publishes every set that differs from the last."""

    def __init__(
        self, url: str, publish: Callable[[PublicKeys], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._publish = publish
        self._clock = clock
        self._is_running = False
        self._http: httpx.AsyncClient | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._keys = PublicKeys()
        self._good_at = self._asked_at = -math.inf
        self._failures = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the keys fresh in the background; entering and leaving wait for no answer."""
        self._is_running = True
        self._fetch()  # under way before the first request comes, which then waits for this one
        refreshing = asyncio.create_task(self._keep_fresh())
        try:
            yield
        finally:
            for task in filter(None, (refreshing, self._fetching)):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            self._is_running = False
            if self._http is not None:
                await self._http.aclose()
                self._http = None

    async def ask_for_unknown(self) -> None:
        """Fetch because of a key that is not known: at once if there was no such fetch for 30 s, otherwise not at all.

        Whoever asks while a fetch is under way waits for that one. It never raises: what came of it was published.
        """
        if not self._is_fetching():
            if self._clock() - self._asked_at < COOLDOWN:
                return
            self._asked_at = self._clock()
        await self.refresh()

    async def refresh(self) -> None:
        """Fetch the set, or wait for the fetch that is under way."""
        await asyncio.shield(self._fetch())  # who gives up waiting does not take it away from the others

    def pause(self) -> float:
        """Return how long to wait before the next fetch: less, and then more and more, while they fail."""
        return min(2.0**self._failures, LONGEST_RETRY) if self._failures else REFRESH

    @property
    def has_keys(self) -> bool:
        """True once keys have come, until they are too old to be used."""
        return bool(self._keys.published)

    def _is_fetching(self) -> bool:
        return self._fetching is not None and not self._fetching.done()

    def _fetch(self) -> asyncio.Task[None]:
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._refresh())
        return self._fetching

    async def _keep_fresh(self) -> None:
        while True:
            await self.refresh()
            await asyncio.sleep(self.pause())

    async def _refresh(self) -> None:
        try:
            keys = await fetch_keys(self._client(), self._url)
        except (InvalidKeySet, InvalidSettings) as error:
            self._note_failure(str(error))
        except Exception:
            logger.exception("fetching the keys failed in an unforeseen way")
            self._note_failure("see above")
        else:
            self._failures, self._good_at = 0, self._clock()
            self._replace(keys)

    def _client(self) -> httpx.AsyncClient:
        if not self._is_running:
            raise InvalidKeySet("the application has not been started")
        if self._http is None:  # made here and not at the start, which need not fail: what is missing may come
            self._http = make_http_client(self._url)
        return self._http

    def _replace(self, keys: PublicKeys) -> None:
        if keys.published != self._keys.published:
            logger.info("keys in use: %d, from %s", len(keys.published), self._url)
            self._keys = keys
            self._publish(keys)

    def _note_failure(self, reason: str) -> None:
        self._failures = min(self._failures + 1, 10)
        if self._keys.published and self._clock() - self._good_at >= OUTAGE:
            logger.error("the keys from %s are too old to be used any longer", self._url)
            self._replace(PublicKeys())
        level = logging.WARNING if self._keys.published else logging.ERROR
        logger.log(level, "no keys came from %s: %s", self._url, reason)
