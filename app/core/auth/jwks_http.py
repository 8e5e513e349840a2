"""One fetch of keys: the HTTP client, what it takes from the environment (a proxy, certificates), and the answer.

httpx would read the environment by itself. It fails as a whole then, for a proxy that is not needed and for an entry of
NO_PROXY that it cannot read, and it does not say which variable is wrong.
"""

import asyncio
import os
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from app.core.auth.jwk_set import InvalidJwkSet, JwkSet, parse_jwk_set
from app.settings import InvalidSettings

FETCH_TIMEOUT: Final = 5.0  # seconds, for all of one fetch
MAX_RESPONSE_BYTES: Final = 65_536

_NO_COMPRESSION: Final = {"Accept-Encoding": "identity"}


def make_http_client(url: str) -> httpx.AsyncClient:
    """Return a client for the keys at this address; it connects when first used.

    Raises:
        InvalidSettings: a variable of the environment cannot be used; it says which.
    """
    proxy = _proxy_url(url)
    try:
        context = httpx.create_ssl_context()
    except OSError as error:  # it names the file if that is the log of keys, which Python opens, and not OpenSSL
        name = "SSL_CERT_FILE" if error.filename is None else "SSLKEYLOGFILE"
        raise InvalidSettings(f"{name} names a file that cannot be used; correct the path, or unset it") from None
    try:
        _check_proxy(proxy)
        return httpx.AsyncClient(
            proxy=proxy, verify=context, trust_env=False, timeout=FETCH_TIMEOUT, headers=_NO_COMPRESSION
        )
    except ImportError:
        raise InvalidSettings(
            f"{_proxy_variable(url)} names a SOCKS proxy, and what speaks to it is missing; `uv add 'httpx[socks]'`, or"
            f" put {urlsplit(url).hostname} into NO_PROXY"
        ) from None
    except (ValueError, httpx.InvalidURL):
        raise InvalidSettings(
            f"{_proxy_variable(url)} is not the URL of a proxy; it looks like http://proxy.example:3128, or put"
            f" {urlsplit(url).hostname} into NO_PROXY"
        ) from None


async def fetch_jwk_set(http: httpx.AsyncClient, url: str) -> JwkSet:
    """Return the usable keys that are published at an address; it takes five seconds at most.

    Raises:
        InvalidJwkSet: none came, and it says why.
    """
    try:
        async with asyncio.timeout(FETCH_TIMEOUT):
            return parse_jwk_set(await _read_body(http, url))
    except TimeoutError:
        raise InvalidJwkSet(f"there was no answer within {FETCH_TIMEOUT:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise InvalidJwkSet(str(error) or type(error).__name__) from None


async def _read_body(http: httpx.AsyncClient, url: str) -> bytes:
    body = b""
    async with http.stream("GET", url) as response:
        if response.status_code != httpx.codes.OK:
            raise InvalidJwkSet(f"the answer was {response.status_code}")
        async for chunk in response.aiter_raw():  # never unpacked: a small answer could grow without bounds
            body += chunk
            if len(body) > MAX_RESPONSE_BYTES:
                raise InvalidJwkSet(f"the answer is longer than {MAX_RESPONSE_BYTES} bytes")
    return body


def _proxy_url(url: str) -> str | None:
    parts, proxies = urlsplit(url), getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc) or proxy_bypass(parts.hostname or ""):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _check_proxy(proxy: str | None) -> None:
    if proxy and not (urlsplit(proxy).hostname and urlsplit(proxy).port != 0):  # a port that is none is a ValueError
        raise ValueError


def _proxy_variable(url: str) -> str:
    """The variable that the proxy comes from, as urllib looks for it: in lower case first."""
    names = [f"{urlsplit(url).scheme}_proxy", "all_proxy"]
    spelled = (spelling for name in names for spelling in (name, name.upper()))
    return next((name for name in spelled if os.environ.get(name)), "The system's proxy")
