"""The issuer's JWK set, refreshed in the background. A request waits for a fetch only if its key is unknown."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import httpx

from app.core.auth.jwk_set import InvalidJwkSet, JwkSet
from app.core.auth.jwks_http import fetch_jwk_set, make_http_client
from app.settings import InvalidSettings

logger = logging.getLogger(__name__)

# In seconds.
REFRESH_INTERVAL: Final = 300.0  # between successful fetches
MAX_RETRY_DELAY: Final = 30.0  # between failed fetches; the delay doubles up to this
UNKNOWN_KEY_COOLDOWN: Final = 30.0  # between fetches for unknown key ids: an attacker can invent any number of them
MAX_AGE: Final = 24 * 3600.0  # of a set that cannot be refreshed; then it is dropped


class JwksClient:
    """Fetches the JWK set of a URL, one fetch at a time, and calls `on_change` with each set that differs."""

    def __init__(
        self, url: str, on_change: Callable[[JwkSet], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._on_change = on_change
        self._clock = clock
        self._is_started = False
        self._http_client: httpx.AsyncClient | None = None
        self._fetch_task: asyncio.Task[None] | None = None
        self._keys = JwkSet()
        self._fetched_at = self._unknown_key_fetched_at = -math.inf
        self._failures = 0

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Refresh the keys in the background. Neither startup nor shutdown waits for a response."""
        self._is_started = True
        self._start_fetch()  # now, so that the first request can wait for this fetch
        refresh_task = asyncio.create_task(self._refresh_periodically())
        try:
            yield
        finally:
            for task in filter(None, (refresh_task, self._fetch_task)):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            self._is_started = False
            if self._http_client is not None:
                await self._http_client.aclose()
                self._http_client = None

    async def refresh_for_unknown_key(self) -> None:
        """Fetch the set, once per `UNKNOWN_KEY_COOLDOWN`, or wait for a running fetch. It never raises."""
        if not self._is_fetching():
            if self._clock() - self._unknown_key_fetched_at < UNKNOWN_KEY_COOLDOWN:
                return
            self._unknown_key_fetched_at = self._clock()
        await self.refresh()

    async def refresh(self) -> None:
        """Fetch the set, or wait for a running fetch."""
        await asyncio.shield(self._start_fetch())  # a cancelled caller must not cancel it for the others

    def refresh_delay(self) -> float:
        # In seconds, with exponential backoff while fetches fail.
        return min(2.0**self._failures, MAX_RETRY_DELAY) if self._failures else REFRESH_INTERVAL

    @property
    def has_keys(self) -> bool:
        return bool(self._keys.jwks)

    def _is_fetching(self) -> bool:
        return self._fetch_task is not None and not self._fetch_task.done()

    def _start_fetch(self) -> asyncio.Task[None]:
        if self._fetch_task is None or self._fetch_task.done():
            self._fetch_task = asyncio.create_task(self._fetch_and_store())
        return self._fetch_task

    async def _refresh_periodically(self) -> None:
        while True:
            await self.refresh()
            await asyncio.sleep(self.refresh_delay())

    async def _fetch_and_store(self) -> None:
        try:
            keys = await fetch_jwk_set(self._open_client(), self._url)
        except (InvalidJwkSet, InvalidSettings) as error:
            self._record_failure(str(error))
        except Exception:
            logger.exception("fetching the keys failed unexpectedly")
            self._record_failure("unexpected error, see above")
        else:
            self._failures, self._fetched_at = 0, self._clock()
            self._set_keys(keys)

    def _open_client(self) -> httpx.AsyncClient:
        if not self._is_started:
            raise InvalidJwkSet("the application is not started")
        if self._http_client is None:  # not at startup: a missing certificate file must not stop the start
            self._http_client = make_http_client(self._url)
        return self._http_client

    def _set_keys(self, keys: JwkSet) -> None:
        if keys.jwks != self._keys.jwks:
            logger.info("keys in use: %d, from %s", len(keys.jwks), self._url)
            self._keys = keys
            self._on_change(keys)

    def _record_failure(self, reason: str) -> None:
        self._failures = min(self._failures + 1, 10)
        if self._keys.jwks and self._clock() - self._fetched_at >= MAX_AGE:
            logger.error("the keys from %s are too old and were dropped", self._url)
            self._set_keys(JwkSet())
        level = logging.WARNING if self._keys.jwks else logging.ERROR
        logger.log(level, "cannot fetch the keys from %s: %s", self._url, reason)
