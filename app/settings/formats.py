"""The lobby's values: what a setting has to look like, and the sentence to the operator for one that does not."""

import re
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple
from urllib.parse import urlsplit

MIN_SECRET_LENGTH: Final = 32
# What Better Auth signs with when nobody configured a secret: long enough, and known to everybody.
KNOWN_SECRETS: Final = frozenset({"better-auth-secret-12345678901234567890"})
# What stands in examples to be replaced, and what nobody drew at random: refused in production.
_PLACEHOLDER: Final = re.compile(r"change[-_ ]?(me|this|it)\b|your[-_ ]?(\w+[-_ ])*secret|placeholder", re.IGNORECASE)
_MIN_DISTINCT_CHARACTERS: Final = (
    8  # different ones; 32 random hexadecimal digits have fewer once in a hundred million times
)

_RATE: Final = re.compile(r"([1-9][0-9]{0,8})/(second|minute|hour|day)")
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
# A scheme, a name or an address, and a port that is not the scheme's own: what a browser sends, byte for byte.
_PORT: Final = r"(:[1-9][0-9]{0,4})?"
_ORIGIN: Final = re.compile(rf"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\]){_PORT}")
# Pages of an app have a scheme of its own (Capacitor, Tauri, extensions); those of the schemes left out have no origin.
_APP_ORIGIN: Final = re.compile(
    rf"(?!(?:https?|wss?|ftp|file|data|blob|about|javascript):)[a-z][a-z0-9+.-]*://[A-Za-z0-9._-]+{_PORT}"
)
# One label below a name of at least two, the last of which is no number: browsers take such a name for an address.
_WILDCARD_ORIGIN: Final = re.compile(rf"https?://\*(\.[a-z0-9_-]+)+\.(?!([0-9]+|0x[0-9a-f]*)(:|$))[a-z0-9_-]+{_PORT}")
# Names below which anybody may publish: of registries of countries, and the commonest of those who host pages.
_PUBLIC_SUFFIX: Final = re.compile(
    r"(ac|co|com|edu|gov|net|org)\.[a-z]{2}|(vercel|netlify|web|lovable|ngrok|ngrok-free|up\.railway|a\.run)\.app"
    r"|(pages|workers|fly|deno)\.dev|(github|gitlab)\.io|(firebase|heroku|amplify)app\.com|(onrender|trycloudflare)\.com"
    r"|(azurewebsites|azurestaticapps|cloudfront)\.net"
)
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'+.^_`|~-]+")  # RFC 9110, section 5.1, but for the *
_HOST: Final = re.compile(r"\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_STORAGE_SCHEMES: Final = frozenset({"redis", "rediss", "valkey", "valkeys"})


class Rate(NamedTuple):
    """So many requests in so many seconds."""

    requests: int
    seconds: int


def split_list(text: str) -> list[str]:
    """Return what stands between the commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def to_lower_case(word: object) -> object:
    """Return a word that has no case to the operator as the setting has it; what is no text is left alone."""
    return word.lower() if isinstance(word, str) else word


def to_upper_case(word: object) -> object:
    """Return a word like `to_lower_case` does."""
    return word.upper() if isinstance(word, str) else word


def parse_rate(text: str) -> Rate | None:
    """Return the rate that `600/minute` says, None for `off`.

    Raises:
        ValueError: it says neither.
    """
    match = _RATE.fullmatch(text.lower())
    if match is None and text.lower() != "off":
        raise ValueError("is neither `off` nor a number per second, minute, hour or day; it looks like 600/minute")
    return Rate(int(match[1]), _SECONDS[match[2]]) if match else None


def check_rate(text: str) -> str:
    """Return the text if it is a rate, or off."""
    parse_rate(text)
    return text


def check_origins(text: str) -> str:
    """Return the text if it lists origins exactly as browsers send them, or as `https://*.example.app`."""
    for origin in split_list(text):
        if "*" in origin and not _WILDCARD_ORIGIN.fullmatch(origin):
            raise ValueError(
                "has a * in it; list each origin exactly, like https://app.example, or with a * for one label below a"
                " name of yours, like https://*.example.app"
            )
        if not _is_origin(origin):
            raise ValueError(
                "has an entry that no browser sends as its origin; it looks like https://app.example or"
                " http://localhost:3000: lower case, nothing behind it, and no port that goes without saying"
            )
    return text


def _is_origin(text: str) -> bool:
    try:
        has_default_port = urlsplit(text).port == _DEFAULT_PORTS.get(urlsplit(text).scheme, 0)
    except ValueError:  # a port that is none
        return False
    return not has_default_port and any(form.fullmatch(text) for form in (_ORIGIN, _APP_ORIGIN, _WILDCARD_ORIGIN))


def covers_public_suffix(origin: str) -> bool:
    """Tell whether an entry of CORS_ORIGINS allows the pages of strangers, like https://*.vercel.app."""
    return _PUBLIC_SUFFIX.fullmatch(origin.partition("://*.")[2].partition(":")[0]) is not None


def check_header_names(text: str) -> str:
    """Return the text if it lists names of headers."""
    if not all(_HEADER_NAME.fullmatch(name) for name in split_list(text)):
        raise ValueError("has an entry that is no name of a header; list each one, like traceparent, and no *")
    return text


def check_hosts(text: str) -> str:
    """Return the text if it lists names of hosts."""
    if not all(_HOST.fullmatch(host) for host in split_list(text)):
        raise ValueError(
            "has an entry that is no host; it looks like api.example.com or *.example.com, in lower case, without a"
            " scheme and a port"
        )
    return text


def check_networks(text: str) -> str:
    """Return the text if it lists addresses and networks, and not the whole world."""
    for network in split_list(text):
        try:
            prefix = ip_network(network).prefixlen
        except ValueError:
            raise ValueError(
                "has an entry that is neither an address nor a network; it looks like 10.0.0.0/8 or 192.168.1.7"
            ) from None
        if prefix == 0:
            raise ValueError("trusts everybody, who could then pretend any address; list the proxies' own networks")
    return text


def check_storage_url(url: str) -> str:
    """Return the URL if it is one of a Redis or a Valkey."""
    try:
        is_usable = urlsplit(url).scheme in _STORAGE_SCHEMES and bool(urlsplit(url).hostname)
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ValueError("is not the URL of a Redis or a Valkey; it looks like redis://host:6379/0")
    return url


def check_secret(secret: str) -> None:
    """Refuse a secret that is too short, known, or not what its author thinks.

    Raises:
        ValueError: saying what it is, and never the secret.
    """
    if secret != secret.strip():
        raise ValueError("has white space at an end; remove it, because Better Auth would sign with it")
    if len(secret) < MIN_SECRET_LENGTH:
        raise ValueError(f"needs at least {MIN_SECRET_LENGTH} characters; `openssl rand -base64 32` makes one")
    if any("\ud800" <= character <= "\udfff" for character in secret):
        raise ValueError("is not UTF-8 text; set it in that encoding")
    if secret in KNOWN_SECRETS:
        raise ValueError("is Better Auth's public default; set one of your own on both sides")


def is_weak_secret(secret: str) -> bool:
    """Tell whether nobody drew this secret at random."""
    return len(set(secret)) < _MIN_DISTINCT_CHARACTERS or bool(_PLACEHOLDER.search(secret))


def check_url(url: str) -> None:
    """Refuse what is no http or https URL, and what has more in it than an address.

    Raises:
        ValueError: saying what it is.
    """
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("is not a URL; it looks like https://app.example")
    if parts.username is not None or parts.fragment:
        raise ValueError("has a user, a password or a fragment in it; remove that")


def is_unencrypted(url: str) -> bool:
    """Tell whether what is fetched there can be changed on its way: http, and not to this machine."""
    host = urlsplit(url).hostname or ""
    try:
        is_here = ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost" or host.endswith(".localhost")
    return urlsplit(url).scheme == "http" and not is_here
