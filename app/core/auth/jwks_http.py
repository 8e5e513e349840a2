"""The HTTP client for the JWK set. The proxy and the certificates come from the environment."""

import asyncio
import os
import ssl
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from app.core.auth.jwk_set import InvalidJwkSet, JwkSet, parse_jwk_set
from app.settings import InvalidSettings

FETCH_TIMEOUT: Final = 5.0  # seconds, for a whole fetch
MAX_RESPONSE_BYTES: Final = 65_536

# The body is read as raw bytes: a small compressed body could become very large.
_NO_COMPRESSION: Final = {"Accept-Encoding": "identity"}


def make_http_client(url: str) -> httpx.AsyncClient:
    """Return a client for this JWKS URL; raise InvalidSettings if an environment variable is not valid."""
    # httpx can read the environment itself (`trust_env`). But then it fails for a proxy that this URL does not use and
    # for an invalid entry of NO_PROXY, and its error does not name the variable.
    proxy, context = _proxy_url(url), _ssl_context()
    try:
        _check_proxy(proxy)
        return httpx.AsyncClient(
            proxy=proxy, verify=context, trust_env=False, timeout=FETCH_TIMEOUT, headers=_NO_COMPRESSION
        )
    except ImportError:
        raise InvalidSettings(
            f"{_proxy_variable(url)} names a SOCKS proxy, and the package for it is missing; `uv add 'httpx[socks]'`,"
            f" or add {urlsplit(url).hostname} to NO_PROXY"
        ) from None
    except (ValueError, httpx.InvalidURL):
        raise InvalidSettings(
            f"{_proxy_variable(url)} is not a proxy URL; write it like http://proxy.example:3128, or add"
            f" {urlsplit(url).hostname} to NO_PROXY"
        ) from None


async def fetch_jwk_set(http: httpx.AsyncClient, url: str) -> JwkSet:
    """Fetch the JWK set within `FETCH_TIMEOUT`, and return its usable keys.

    Raises:
        InvalidJwkSet: the fetch failed or the set has no usable key; the message says why.
    """
    try:
        async with asyncio.timeout(FETCH_TIMEOUT):
            return parse_jwk_set(await _read_body(http, url))
    except TimeoutError:
        raise InvalidJwkSet(f"no response within {FETCH_TIMEOUT:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise InvalidJwkSet(str(error) or type(error).__name__) from None


def _ssl_context() -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # it has a file name from Python (SSLKEYLOGFILE), and none from OpenSSL
        name = "SSL_CERT_FILE" if error.filename is None else "SSLKEYLOGFILE"
        raise InvalidSettings(f"{name} names a file that cannot be used; correct the path, or unset it") from None


async def _read_body(http: httpx.AsyncClient, url: str) -> bytes:
    body = b""
    async with http.stream("GET", url) as response:
        if response.status_code != httpx.codes.OK:
            raise InvalidJwkSet(f"the response status was {response.status_code}")
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MAX_RESPONSE_BYTES:
                raise InvalidJwkSet(f"the response is longer than {MAX_RESPONSE_BYTES} bytes")
    return body


def _proxy_url(url: str) -> str | None:
    parts, proxies = urlsplit(url), getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc) or proxy_bypass(parts.hostname or ""):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _check_proxy(proxy: str | None) -> None:
    if proxy and not (urlsplit(proxy).hostname and urlsplit(proxy).port != 0):  # an invalid port is a ValueError
        raise ValueError


def _proxy_variable(url: str) -> str:
    # In the order of urllib: the lower-case name first.
    names = [f"{urlsplit(url).scheme}_proxy", "all_proxy"]
    spelled = (spelling for name in names for spelling in (name, name.upper()))
    return next((name for name in spelled if os.environ.get(name)), "The system's proxy")
