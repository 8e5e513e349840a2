"""The formats of settings: functions that validate them and raise ValueError with a message for the operator."""

import re
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple
from urllib.parse import urlsplit

MIN_SECRET_LENGTH: Final = 32
# Better Auth's default secret: long enough, but public.
KNOWN_SECRETS: Final = frozenset({"better-auth-secret-12345678901234567890"})
# Placeholders from examples; refused in production.
_PLACEHOLDER: Final = re.compile(r"change[-_ ]?(me|this|it)\b|your[-_ ]?(\w+[-_ ])*secret|placeholder", re.IGNORECASE)
_MIN_DISTINCT_CHARACTERS: Final = 8  # 32 random hexadecimal digits have fewer with a probability of 1e-8

_RATE: Final = re.compile(r"([1-9][0-9]{0,8})/(second|minute|hour|day)")
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
# Origins exactly as a browser sends them: scheme, host, and the port unless it is the scheme's default.
_PORT: Final = r"(:[1-9][0-9]{0,4})?"
_ORIGIN: Final = re.compile(rf"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\]){_PORT}")
# Apps and extensions have their own schemes (Capacitor, Tauri). The excluded schemes have no such origin.
_APP_ORIGIN: Final = re.compile(
    rf"(?!(?:https?|wss?|ftp|file|data|blob|about|javascript):)[a-z][a-z0-9+.-]*://[A-Za-z0-9._-]+{_PORT}"
)
# A wildcard for one label, below at least two. The last label is not a number, which would make it an IP address.
_WILDCARD_ORIGIN: Final = re.compile(rf"https?://\*(\.[a-z0-9_-]+)+\.(?!([0-9]+|0x[0-9a-f]*)(:|$))[a-z0-9_-]+{_PORT}")
# Public suffixes, below which anyone can publish pages: country registries and the most common hosting services.
_PUBLIC_SUFFIX: Final = re.compile(
    r"(ac|co|com|edu|gov|net|org)\.[a-z]{2}|(vercel|netlify|web|lovable|ngrok|ngrok-free|up\.railway|a\.run)\.app"
    r"|(pages|workers|fly|deno)\.dev|(github|gitlab)\.io|(firebase|heroku|amplify)app\.com|(onrender|trycloudflare)\.com"
    r"|(azurewebsites|azurestaticapps|cloudfront)\.net"
)
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'+.^_`|~-]+")  # RFC 9110, section 5.1, without the *
_HOST: Final = re.compile(r"\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_STORAGE_SCHEMES: Final = frozenset({"redis", "rediss", "valkey", "valkeys"})


class Rate(NamedTuple):
    """A rate limit: requests per window of so many seconds."""

    requests: int
    seconds: int


def split_list(text: str) -> list[str]:
    """Return the entries of a comma separated list, without whitespace and empty entries."""
    return [part.strip() for part in text.split(",") if part.strip()]


def to_lower_case(word: object) -> object:
    """Return a string in lower case, and any other value unchanged."""
    return word.lower() if isinstance(word, str) else word


def to_upper_case(word: object) -> object:
    """Return a string in upper case, and any other value unchanged."""
    return word.upper() if isinstance(word, str) else word


def parse_rate(text: str) -> Rate | None:
    """Parse a rate like `600/minute`; `off` is None."""
    match = _RATE.fullmatch(text.lower())
    if match is None and text.lower() != "off":
        raise ValueError("must be `off` or a number per second, minute, hour or day, like 600/minute")
    return Rate(int(match[1]), _SECONDS[match[2]]) if match else None


def check_rate(text: str) -> str:
    """Return the text if it is a rate or `off`."""
    parse_rate(text)
    return text


def check_origins(text: str) -> str:
    """Return the text if it lists origins as browsers send them, or wildcards like `https://*.example.app`."""
    for origin in split_list(text):
        if "*" in origin and not _WILDCARD_ORIGIN.fullmatch(origin):
            raise ValueError(
                "has a * that is not allowed; list each origin exactly, like https://app.example, or use * for one"
                " label below your domain, like https://*.example.app"
            )
        if not _is_origin(origin):
            raise ValueError(
                "has an entry that is not an origin as browsers send it; write it like https://app.example or"
                " http://localhost:3000: in lower case, without a path, and without the default port"
            )
    return text


def _is_origin(text: str) -> bool:
    try:
        has_default_port = urlsplit(text).port == _DEFAULT_PORTS.get(urlsplit(text).scheme, 0)
    except ValueError:  # an invalid port
        return False
    return not has_default_port and any(form.fullmatch(text) for form in (_ORIGIN, _APP_ORIGIN, _WILDCARD_ORIGIN))


def covers_public_suffix(origin: str) -> bool:
    """Tell whether an entry of CORS_ORIGINS allows the pages of other owners, like https://*.vercel.app."""
    return _PUBLIC_SUFFIX.fullmatch(origin.partition("://*.")[2].partition(":")[0]) is not None


def check_header_names(text: str) -> str:
    """Return the text if it lists header names."""
    if not all(_HEADER_NAME.fullmatch(name) for name in split_list(text)):
        raise ValueError("has an entry that is not a header name; list each name, like traceparent, without *")
    return text


def check_hosts(text: str) -> str:
    """Return the text if it lists host names, or wildcards like *.example.com."""
    if not all(_HOST.fullmatch(host) for host in split_list(text)):
        raise ValueError(
            "has an entry that is not a host; write it like api.example.com or *.example.com, in lower case, without a"
            " scheme and without a port"
        )
    return text


def check_networks(text: str) -> str:
    """Return the text if it lists IP addresses and networks, but not the whole internet."""
    for network in split_list(text):
        try:
            prefix = ip_network(network).prefixlen
        except ValueError:
            raise ValueError(
                "has an entry that is not an IP address or network; write it like 10.0.0.0/8 or 192.168.1.7"
            ) from None
        if prefix == 0:
            raise ValueError(
                "trusts every client, so anyone could forge an address; list only the networks of your proxies"
            )
    return text


def check_storage_url(url: str) -> str:
    """Return the URL if it is a Redis or Valkey URL."""
    try:
        is_usable = urlsplit(url).scheme in _STORAGE_SCHEMES and bool(urlsplit(url).hostname)
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ValueError("is not a Redis or Valkey URL; write it like redis://host:6379/0")
    return url


def check_secret(secret: str) -> None:
    """Refuse a secret that is too short, public, not UTF-8, or has outer whitespace. No message has the secret."""
    if secret != secret.strip():
        raise ValueError("has whitespace at its start or end; remove it on both sides (Better Auth does not trim it)")
    if len(secret) < MIN_SECRET_LENGTH:
        raise ValueError(f"needs at least {MIN_SECRET_LENGTH} characters; `openssl rand -base64 32` makes one")
    if any("\ud800" <= character <= "\udfff" for character in secret):
        raise ValueError("is not valid UTF-8; set it in UTF-8")
    if secret in KNOWN_SECRETS:
        raise ValueError("is Better Auth's public default; set your own secret on both sides")


def is_weak_secret(secret: str) -> bool:
    """Tell whether a secret is a placeholder or a pattern instead of random."""
    return len(set(secret)) < _MIN_DISTINCT_CHARACTERS or bool(_PLACEHOLDER.search(secret))


def check_url(url: str) -> None:
    """Refuse a text that is not an http or https URL, or has a user, a password or a fragment."""
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("is not a URL; write it like https://app.example")
    if parts.username is not None or parts.fragment:
        raise ValueError("has a user, a password or a fragment; remove it")


def is_unencrypted(url: str) -> bool:
    """Tell whether a URL is http and not on this machine, so that the network can change the response."""
    host = urlsplit(url).hostname or ""
    try:
        is_loopback = ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost" or host.endswith(".localhost")
    return urlsplit(url).scheme == "http" and not is_loopback
