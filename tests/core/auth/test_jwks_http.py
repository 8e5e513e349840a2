"""Fetching under the proxies and certificates of an environment: what cannot be used is named, and fails no start."""

import logging
from typing import Final

import pytest

from app.core.auth.jwks_client import JwksClient
from app.core.auth.jwks_http import make_http_client
from app.settings import InvalidSettings
from tests.core.auth.conftest import until
from tests.parts.issuer import Issuer

URL: Final = "https://auth.example/api/auth/jwks"
# All that is read of the environment, and httpx's own beside it.
READ: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")

BAD: Final[dict[str, tuple[str, str, str]]] = {
    "a SOCKS proxy": ("ALL_PROXY", "socks5://zebra:1080", "`uv add 'httpx[socks]'`, or add auth.example to NO_PROXY"),
    "a SOCKS proxy, in lower case": ("all_proxy", "socks5h://zebra:1080", "names a SOCKS proxy"),
    "an FTP proxy": ("ALL_PROXY", "ftp://zebra", "write it like http://proxy.example:3128"),
    "an older SOCKS": ("HTTPS_PROXY", "socks4://zebra:1080", "write it like http://proxy.example:3128"),
    "a proxy without a host": ("HTTPS_PROXY", "http://", "write it like http://proxy.example:3128"),
    "a proxy without anything": ("https_proxy", "://", "write it like http://proxy.example:3128"),
    "a port that is none": ("HTTPS_PROXY", "zebra:99999", "write it like http://proxy.example:3128"),
    "a port by name": ("HTTPS_PROXY", "http://zebra:http", "write it like http://proxy.example:3128"),
    "a bracket": ("HTTPS_PROXY", "http://[zebra", "write it like http://proxy.example:3128"),
    "a line break": ("HTTPS_PROXY", "http://zebra\n.example", "write it like http://proxy.example:3128"),
    "certificates that are not there": ("SSL_CERT_FILE", "/zebra.pem", "correct the path, or unset it"),
    "certificates that are a folder": ("SSL_CERT_FILE", "/", "correct the path, or unset it"),
    "certificates that are none": ("SSL_CERT_FILE", __file__, "correct the path, or unset it"),
    "a log of keys that cannot be written": ("SSLKEYLOGFILE", "/zebra/keys", "correct the path, or unset it"),
}
GOOD: Final[dict[str, dict[str, str]]] = {
    "nothing": {},
    "a proxy": {"HTTPS_PROXY": "http://user:zebra@proxy.example:3128"},
    "a proxy without a scheme": {"ALL_PROXY": "proxy.example:3128"},
    "a proxy by TLS": {"https_proxy": "https://proxy.example"},
    "a proxy for other addresses": {"HTTP_PROXY": "socks5://zebra:1"},
    "a proxy that is not used for all": {"ALL_PROXY": "socks5://zebra:1", "HTTPS_PROXY": "http://proxy.example:3128"},
    "an exempted host": {"ALL_PROXY": "socks5://zebra:1", "NO_PROXY": "localhost, auth.example"},
    "an exempted domain": {"ALL_PROXY": "ftp://zebra", "NO_PROXY": ".example"},
    "everything exempted": {"ALL_PROXY": "ftp://zebra", "NO_PROXY": "*"},
    "an exempted port": {"ALL_PROXY": "ftp://zebra", "no_proxy": "auth.example:443,auth.example"},
    "exemptions that httpx cannot read": {"NO_PROXY": "[::1],fe80::/10,10.0.0.0/8,internal:port,é.example, ,http://["},
    "empty values": dict.fromkeys(READ, ""),
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in READ:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(("name", "value", "cure"), BAD.values(), ids=list(BAD))
def test_a_variable_that_cannot_be_used_is_named_with_its_cure(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, cure: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(InvalidSettings) as refusal:
        make_http_client(URL)

    message = str(refusal.value)
    assert message.startswith(f"{name} ")
    assert cure in message
    assert "zebra" not in message
    assert "\n" not in message


@pytest.mark.parametrize("variables", GOOD.values(), ids=list(GOOD))
async def test_an_environment_that_can_be_used_is_taken(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    await make_http_client(URL).aclose()


@pytest.mark.parametrize(
    ("no_proxy", "is_fetched"),
    [
        ("", False),
        ("other.example", False),
        ("127.0.0.1", True),
        ("[::1],fe80::/10, 127.0.0.1", True),
        ("localhost,.0.0.1", True),
        ("127.0.0.1:1", False),
        ("*", True),
    ],
)
async def test_the_keys_come_past_a_proxy_that_their_host_is_exempted_from(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, no_proxy: str, is_fetched: bool
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")  # where nobody listens
    monkeypatch.setenv("NO_PROXY", no_proxy)
    published: list[int] = []
    client = JwksClient(issuer.url, lambda keys: published.append(len(keys.jwks)))

    async with client.lifespan():
        await client.refresh()

    assert published == ([1] if is_fetched else [])


async def test_what_cannot_be_used_is_logged_and_tried_again(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://zebra:1080")
    published: list[int] = []
    client = JwksClient(issuer.url, lambda keys: published.append(len(keys.jwks)))

    async with client.lifespan():
        await until(lambda: caplog.records)
        assert published == []
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        await client.refresh()
    async with client.lifespan():
        await client.refresh()

    assert published == [1]
    line, *_ = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert line.getMessage().startswith(f"cannot fetch the keys from {issuer.url}: ALL_PROXY names a SOCKS proxy")
    assert line.exc_info is None
    assert issuer.fetches == 2
