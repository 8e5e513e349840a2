"""Settings: what is refused, in words that name the variable and the cure, and never repeat what was set."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from app.settings import BASE_DIR, DATA_DIR, InvalidSettings, Settings, load_settings
from app.values import KNOWN_SECRETS

STRONG: Final = "a secret that is long enough for anybody"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An environment without any setting; the path of its .env, which is not there yet."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    path = tmp_path / ".env"
    monkeypatch.setitem(Settings.model_config, "env_file", path)
    load_settings.cache_clear()
    yield path
    load_settings.cache_clear()


def set_all(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_nothing_needs_to_be_set_for_development() -> None:
    settings = load_settings()

    assert settings.app_env == "development"
    assert not settings.is_production
    assert settings.database_url.get_secret_value() == f"sqlite:///{DATA_DIR}/app.db"
    assert settings.better_auth_secret is None
    assert (settings.log_level, settings.log_format) == ("INFO", "text")


PRODUCTION: Final = {"APP_ENV": "production", "ALLOWED_HOSTS": "api.example.com"}
GOOD: Final[dict[str, dict[str, str]]] = {
    "production with a secret": {**PRODUCTION, "BETTER_AUTH_SECRET": STRONG},
    "a secret of 32 characters": {"BETTER_AUTH_SECRET": "s" * 32},
    "a secret with white space inside": {"BETTER_AUTH_SECRET": "white space\tis part of this secret"},
    "an empty secret, which is none": {"BETTER_AUTH_SECRET": ""},
    "empty values, which are none": {"DATABASE_URL": "", "LOG_LEVEL": "", "DATABASE_POOL_SIZE": ""},
    "lower case names": {"log_level": "DEBUG"},
    "json logs": {"LOG_FORMAT": "json"},
    "the smallest pool": {
        "DATABASE_POOL_SIZE": "1",
        "DATABASE_MAX_OVERFLOW": "0",
        "DATABASE_POOL_TIMEOUT": "0.1",
        "DATABASE_POOL_RECYCLE": "1",
    },
    "a stock better auth, with its URL alone": {**PRODUCTION, "BETTER_AUTH_URL": "https://app.example"},
    "keys at an address of their own": {
        **PRODUCTION,
        "BETTER_AUTH_JWKS_URL": "https://keys.internal/jwks?v=1",
        "JWT_AUDIENCE": "https://app.example",
        "JWT_ISSUER": "https://app.example",
    },
    "keys on this machine": {**PRODUCTION, "BETTER_AUTH_URL": "http://127.0.0.1:3000"},
    "keys on this machine, by IPv6": {**PRODUCTION, "BETTER_AUTH_URL": "http://[::1]:3000"},
    "keys on this machine, by name": {**PRODUCTION, "BETTER_AUTH_URL": "http://auth.localhost:3000"},
    "http in development": {"BETTER_AUTH_URL": "http://192.168.0.7:3000"},
    "better auth's own .env, for its keys": {
        "BETTER_AUTH_SECRET": STRONG,
        "BETTER_AUTH_URL": "https://app.example",
        "JWT_KEYS": "jwks",
    },
    "better auth's own .env, for its secret": {
        **PRODUCTION,
        "BETTER_AUTH_SECRET": STRONG,
        "BETTER_AUTH_URL": "http://app.example",
        "JWT_KEYS": "secret",
    },
    "several secrets": {**PRODUCTION, "BETTER_AUTH_SECRETS": f"2:{STRONG}, 1:{STRONG[::-1]}"},
    "a secret with a colon among several": {"BETTER_AUTH_SECRETS": f"0:{STRONG}:{STRONG}"},
    "an example of a secret in development": {"BETTER_AUTH_SECRET": "change-me-change-me-change-me-change-me"},
    "all that concerns the edge": {
        **PRODUCTION,
        "BETTER_AUTH_SECRET": STRONG,
        "ALLOWED_HOSTS": "api.example.com, *.example.org,[::1],127.0.0.1",
        "CORS_ORIGINS": "https://app.example, http://localhost:3000,https://[::1]:8443",
        "TRUSTED_PROXIES": "10.0.0.0/8, 192.168.1.7,fd00::/8",
        "RATE_LIMIT": "20/second",
        "RATE_LIMIT_STORAGE": "rediss://u:hunter2@cache.internal:6379/0",
    },
    "any host, and no limit": {
        "APP_ENV": "production",
        "BETTER_AUTH_SECRET": STRONG,
        "ALLOWED_HOSTS": "*",
        "RATE_LIMIT": "off",
    },
    "a frontend's variables": {"NEXT_PUBLIC_API_URL": "http://localhost:8000", "PORT": "x"},
}


@pytest.mark.parametrize("variables", GOOD.values(), ids=GOOD)
def test_a_good_environment_is_taken(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    set_all(monkeypatch, variables)

    settings = load_settings()

    for name, value in variables.items():
        if value and name.lower() in Settings.model_fields:
            found = getattr(settings, name.lower())
            assert str(getattr(found, "get_secret_value", lambda found=found: found)()) == value


PUBLIC: Final = {"", "*", "production", "jwks", "secret"}  # what a message may say although it was set

BAD: Final[dict[str, tuple[dict[str, str], str, str]]] = {
    "a short secret": ({"BETTER_AUTH_SECRET": "zebra" * 6}, "BETTER_AUTH_SECRET", "needs at least 32 characters"),
    "white space before the secret": ({"BETTER_AUTH_SECRET": f" {STRONG}"}, "BETTER_AUTH_SECRET", "remove it"),
    "white space behind the secret": ({"BETTER_AUTH_SECRET": f"{STRONG}\n"}, "BETTER_AUTH_SECRET", "remove it"),
    "nothing but white space": ({"BETTER_AUTH_SECRET": " " * 40}, "BETTER_AUTH_SECRET", "remove it"),
    "better auth's default": ({"BETTER_AUTH_SECRET": min(KNOWN_SECRETS)}, "BETTER_AUTH_SECRET", "set one of your own"),
    "a secret that is no text": (
        {"BETTER_AUTH_SECRET": STRONG + "\udcff"},
        "BETTER_AUTH_SECRET",
        "set it in that encoding",
    ),
    "production without a secret": ({"APP_ENV": "production"}, "BETTER_AUTH_SECRET", "required in production; use"),
    "production with an empty secret": (
        {"APP_ENV": "production", "BETTER_AUTH_SECRET": ""},
        "BETTER_AUTH_SECRET",
        "required in production; use",
    ),
    "production with a short secret": (
        {"APP_ENV": "production", "BETTER_AUTH_SECRET": "zebra"},
        "BETTER_AUTH_SECRET",
        "`openssl rand -base64 32` makes one",
    ),
    "production with an example": (
        {"APP_ENV": "production", "BETTER_AUTH_SECRET": "your-super-secret-key-for-better-auth-here"},
        "BETTER_AUTH_SECRET",
        "looks like an example or a pattern; `openssl rand -base64 32` makes a secret",
    ),
    "production with a pattern": (
        {"APP_ENV": "production", "BETTER_AUTH_SECRET": "zebra" * 8},
        "BETTER_AUTH_SECRET",
        "looks like an example or a pattern",
    ),
    "a comma in one of several secrets": (
        {"BETTER_AUTH_SECRETS": f"2:{STRONG},{STRONG}"},
        "BETTER_AUTH_SECRETS",
        "write it as Better Auth wants it",
    ),
    "production with a pattern among several": (
        {"APP_ENV": "production", "BETTER_AUTH_SECRETS": f"2:{STRONG},1:{'0123' * 9}"},
        "BETTER_AUTH_SECRETS",
        "looks like an example or a pattern",
    ),
    "several secrets, one short": (
        {"BETTER_AUTH_SECRETS": f"2:{STRONG},1:zebra"},
        "BETTER_AUTH_SECRETS",
        "at least 32",
    ),
    "several secrets, one public": (
        {"BETTER_AUTH_SECRETS": f"2:{STRONG},1:{min(KNOWN_SECRETS)}"},
        "BETTER_AUTH_SECRETS",
        "set one of your own",
    ),
    "several secrets without versions": (
        {"BETTER_AUTH_SECRETS": f"{STRONG},{STRONG}"},
        "BETTER_AUTH_SECRETS",
        "a list like 2:new-secret,1:old-secret",
    ),
    "several secrets of one version": (
        {"BETTER_AUTH_SECRETS": f"1:{STRONG},01:{STRONG}"},
        "BETTER_AUTH_SECRETS",
        "number each secret differently",
    ),
    "a secret and a URL": (
        {"BETTER_AUTH_SECRET": STRONG, "BETTER_AUTH_URL": "https://zebra.example"},
        "BETTER_AUTH_SECRET",
        "are both set; add JWT_KEYS=jwks if",
    ),
    "several secrets and an address of keys": (
        {"BETTER_AUTH_SECRETS": f"1:{STRONG}", "BETTER_AUTH_JWKS_URL": "https://z.example/k", "JWT_AUDIENCE": "zebra"},
        "BETTER_AUTH_SECRET",
        "are both set; add JWT_KEYS=jwks if",
    ),
    "public keys from nowhere": ({"JWT_KEYS": "jwks"}, "JWT_KEYS", "set BETTER_AUTH_URL"),
    "an unknown kind of keys": ({"JWT_KEYS": "zebra"}, "JWT_KEYS", "'secret' or 'jwks'"),
    "an address of keys without an audience": (
        {"BETTER_AUTH_JWKS_URL": "https://zebra.example/jwks"},
        "JWT_AUDIENCE",
        "set it to the `aud` of the tokens, or set BETTER_AUTH_URL",
    ),
    "production with a URL in the clear": (
        {"APP_ENV": "production", "BETTER_AUTH_URL": "http://zebra.example"},
        "BETTER_AUTH_URL",
        "use https",
    ),
    "production with a URL that only begins like this machine's": (
        {"APP_ENV": "production", "BETTER_AUTH_URL": "http://localhost.zebra.example"},
        "BETTER_AUTH_URL",
        "use https",
    ),
    "production with keys fetched in the clear": (
        {
            "APP_ENV": "production",
            "BETTER_AUTH_URL": "https://zebra.example",
            "BETTER_AUTH_JWKS_URL": "http://10.0.0.7/jwks",
        },
        "BETTER_AUTH_JWKS_URL",
        "use https",
    ),
    "production without a secret although a URL is set": (
        {"APP_ENV": "production", "BETTER_AUTH_URL": "https://zebra.example", "JWT_KEYS": "secret"},
        "BETTER_AUTH_SECRET",
        "required in production",
    ),
    "a URL without a scheme": ({"BETTER_AUTH_URL": "zebra.example"}, "BETTER_AUTH_URL", "looks like https://"),
    "a URL that is a file": ({"BETTER_AUTH_JWKS_URL": "file:///zebra/jwks"}, "BETTER_AUTH_JWKS_URL", "is not a URL"),
    "a URL without a host": ({"BETTER_AUTH_URL": "https:///zebra"}, "BETTER_AUTH_URL", "is not a URL"),
    "a URL with a bad port": ({"BETTER_AUTH_URL": "https://zebra.example:99999"}, "BETTER_AUTH_URL", "is not a URL"),
    "a URL with a space": ({"BETTER_AUTH_URL": "https://zebra.example/a b"}, "BETTER_AUTH_URL", "is not a URL"),
    "a URL with a bracket": ({"BETTER_AUTH_URL": "https://[zebra"}, "BETTER_AUTH_URL", "is not a URL"),
    "a URL with a password": ({"BETTER_AUTH_URL": "https://u:zebra@a.example"}, "BETTER_AUTH_URL", "remove that"),
    "a URL with a query": ({"BETTER_AUTH_URL": "https://zebra.example/?a"}, "BETTER_AUTH_URL", "no more"),
    "an audience with white space": ({"JWT_AUDIENCE": "https://zebra.example "}, "JWT_AUDIENCE", "remove it"),
    "an issuer with a newline": ({"JWT_ISSUER": "https://zebra\n.example"}, "JWT_ISSUER", "remove it"),
    "an unknown environment": ({"APP_ENV": "prod-zebra"}, "APP_ENV", "'development' or 'production'"),
    "an unknown log level": ({"LOG_LEVEL": "CHATTY"}, "LOG_LEVEL", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    "an unknown log format": ({"LOG_FORMAT": "xml-zebra"}, "LOG_FORMAT", "'text' or 'json'"),
    "a pool size that is no number": ({"DATABASE_POOL_SIZE": "zebra"}, "DATABASE_POOL_SIZE", "valid integer"),
    "a pool size of nothing": ({"DATABASE_POOL_SIZE": "-31337"}, "DATABASE_POOL_SIZE", "greater than or equal to 1"),
    "a negative overflow": ({"DATABASE_MAX_OVERFLOW": "-31337"}, "DATABASE_MAX_OVERFLOW", "greater than or equal to 0"),
    "no pool timeout": ({"DATABASE_POOL_TIMEOUT": "-31337"}, "DATABASE_POOL_TIMEOUT", "greater than 0"),
    "no recycling": ({"DATABASE_POOL_RECYCLE": "-31337"}, "DATABASE_POOL_RECYCLE", "greater than or equal to 1"),
    "production under any name": (
        {"APP_ENV": "production", "BETTER_AUTH_SECRET": STRONG},
        "ALLOWED_HOSTS",
        "list the names that clients call",
    ),
    "a host with a scheme": ({"ALLOWED_HOSTS": "https://zebra.example"}, "ALLOWED_HOSTS", "without a scheme"),
    "a host with a port": ({"ALLOWED_HOSTS": "zebra.example:8000"}, "ALLOWED_HOSTS", "without a scheme and a port"),
    "a host with a dot before it": ({"ALLOWED_HOSTS": ".zebra.example"}, "ALLOWED_HOSTS", "*.example.com"),
    "a star inside a host": ({"ALLOWED_HOSTS": "a.*.zebra.example"}, "ALLOWED_HOSTS", "*.example.com"),
    "a host in capitals": ({"ALLOWED_HOSTS": "Zebra.example"}, "ALLOWED_HOSTS", "in lower case"),
    "any origin": ({"CORS_ORIGINS": "*"}, "CORS_ORIGINS", "list each origin exactly"),
    "any origin among others": ({"CORS_ORIGINS": "https://a.example,*"}, "CORS_ORIGINS", "list each origin exactly"),
    "any origin below a name": (
        {"CORS_ORIGINS": "https://*.zebra.example"},
        "CORS_ORIGINS",
        "list each origin exactly",
    ),
    "an origin with a slash": ({"CORS_ORIGINS": "https://zebra.example/"}, "CORS_ORIGINS", "nothing behind it"),
    "an origin without a scheme": ({"CORS_ORIGINS": "zebra.example"}, "CORS_ORIGINS", "looks like https://app.example"),
    "an origin in capitals": ({"CORS_ORIGINS": "https://Zebra.example"}, "CORS_ORIGINS", "lower case"),
    "an origin with its scheme's port": ({"CORS_ORIGINS": "https://zebra.example:443"}, "CORS_ORIGINS", "no port"),
    "an origin with a port that is none": (
        {"CORS_ORIGINS": "https://zebra.example:99999"},
        "CORS_ORIGINS",
        "no browser",
    ),
    "the origin of no page": ({"CORS_ORIGINS": "null"}, "CORS_ORIGINS", "no browser sends"),
    "a proxy by name": ({"TRUSTED_PROXIES": "zebra.example"}, "TRUSTED_PROXIES", "looks like 10.0.0.0/8"),
    "a network with a host in it": ({"TRUSTED_PROXIES": "10.1.2.3/8"}, "TRUSTED_PROXIES", "looks like 10.0.0.0/8"),
    "the world as a proxy": ({"TRUSTED_PROXIES": "0.0.0.0/0"}, "TRUSTED_PROXIES", "trusts everybody"),
    "a star as a proxy": ({"TRUSTED_PROXIES": "*zebra"}, "TRUSTED_PROXIES", "looks like 10.0.0.0/8"),
    "a limit of nothing": ({"RATE_LIMIT": "-1/minute"}, "RATE_LIMIT", "looks like 600/minute"),
    "a limit without a time": ({"RATE_LIMIT": "31337"}, "RATE_LIMIT", "looks like 600/minute"),
    "a limit per fortnight": ({"RATE_LIMIT": "31337/fortnight"}, "RATE_LIMIT", "looks like 600/minute"),
    "a storage that is none": (
        {"RATE_LIMIT_STORAGE": "memcached://zebra"},
        "RATE_LIMIT_STORAGE",
        "redis://host:6379/0",
    ),
    "a storage without a host": ({"RATE_LIMIT_STORAGE": "redis:///0"}, "RATE_LIMIT_STORAGE", "redis://host:6379/0"),
    "a storage with a bracket": ({"RATE_LIMIT_STORAGE": "redis://[zebra"}, "RATE_LIMIT_STORAGE", "redis://host:6379/0"),
    "no body at all": ({"MAX_BODY_BYTES": "-31337"}, "MAX_BODY_BYTES", "greater than or equal to 1"),
}


@pytest.mark.parametrize(("variables", "name", "cure"), BAD.values(), ids=BAD)
def test_what_cannot_be_used_is_named_with_its_cure_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], name: str, cure: str
) -> None:
    set_all(monkeypatch, variables)

    with pytest.raises(InvalidSettings) as refusal:
        load_settings()

    message = str(refusal.value)
    assert message.startswith(f"{name} ")
    assert cure in message
    assert "\n" not in message
    assert not any(value.strip() in message for value in variables.values() if value.strip() not in PUBLIC)
    assert refusal.value.__suppress_context__, "the traceback would show the value"


def test_all_that_cannot_be_used_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"BETTER_AUTH_SECRET": "short", "LOG_LEVEL": "x", "DATABASE_POOL_SIZE": "x"})

    with pytest.raises(InvalidSettings, match=r"^DATABASE_POOL_SIZE .*; BETTER_AUTH_SECRET .*; LOG_LEVEL [^;]*$"):
        load_settings()


def test_the_env_file_is_read(environment: Path) -> None:
    environment.write_text(f'BETTER_AUTH_SECRET="{STRONG}"\n# LOG_FORMAT=json\nUNKNOWN=1\nLOG_LEVEL=ERROR\n')

    settings = load_settings()

    assert settings.better_auth_secret is not None
    assert settings.better_auth_secret.get_secret_value() == STRONG
    assert (settings.log_level, settings.log_format) == ("ERROR", "text")


def test_the_environment_comes_before_the_env_file(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment.write_text("LOG_LEVEL=ERROR\nLOG_FORMAT=json\n")
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("LOG_FORMAT", "")

    assert (load_settings().log_level, load_settings().log_format) == ("DEBUG", "json")


def test_an_env_file_in_another_encoding_is_explained(environment: Path) -> None:
    environment.write_text("LOG_LEVEL=ERROR\n", encoding="utf-16")

    with pytest.raises(InvalidSettings, match=r"^\.env is not UTF-8 text; save it as UTF-8$"):
        load_settings()


def test_the_env_file_lies_at_the_root_wherever_the_command_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    assert Settings.model_config["env_file"] == BASE_DIR / ".env"
    assert (BASE_DIR / "pyproject.toml").exists()


@pytest.mark.parametrize(
    ("variables", "rate"),
    [
        ({}, None),
        ({"RATE_LIMIT": "3/second"}, (3, 1)),
        ({"RATE_LIMIT": "5000/day"}, (5000, 86_400)),
        ({**PRODUCTION, "BETTER_AUTH_SECRET": STRONG}, (600, 60)),
        ({**PRODUCTION, "BETTER_AUTH_SECRET": STRONG, "RATE_LIMIT": "off"}, None),
    ],
)
def test_production_has_a_limit_where_none_is_set(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], rate: tuple[int, int] | None
) -> None:
    set_all(monkeypatch, variables)

    assert load_settings().rate == rate


def test_settings_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_settings()
    monkeypatch.setenv("LOG_LEVEL", "ERROR")

    assert load_settings() is first


def test_settings_show_no_secret_when_they_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    password = "correct-horse"
    url = f"postgresql://u:{password}@h/d"
    set_all(monkeypatch, {"BETTER_AUTH_SECRET": STRONG, "DATABASE_URL": url, "MIGRATION_DATABASE_URL": url})

    shown = f"{load_settings()} {load_settings()!r} {load_settings().model_dump()} {load_settings().model_dump_json()}"

    assert STRONG not in shown
    assert password not in shown


def test_the_example_names_every_setting_and_no_other() -> None:
    example = (BASE_DIR / ".env.example").read_text()

    named = re.findall(r"^(?:# ?)?([A-Z][A-Z0-9_]*)=", example, flags=re.MULTILINE)

    assert sorted(named) == sorted(name.upper() for name in Settings.model_fields)
