"""The lobby's settings: typed, read from the environment and `.env`, checked when loaded and never again."""

import re
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = BASE_DIR / ".data"

MIN_SECRET_LENGTH = 32
# What Better Auth signs with when nobody configured a secret: long enough, and known to everybody.
KNOWN_SECRETS = frozenset({"better-auth-secret-12345678901234567890"})
# What stands in examples to be replaced, and what nobody drew at random: refused in production.
_PLACEHOLDER = re.compile(r"change[-_ ]?(me|this|it)\b|your[-_ ]?(\w+[-_ ])*secret|placeholder", re.IGNORECASE)
_FEWEST_CHARACTERS = 8  # different ones; 32 random hexadecimal digits have fewer once in a hundred million times


class InvalidSettings(Exception):
    """The environment cannot be used; the message says which setting, and what to do."""


class Settings(BaseSettings):
    """Everything an operator can turn. `.env.example` explains each one; a test holds the two together."""

    model_config = SettingsConfigDict(
        env_file=BASE_DIR / ".env",
        env_ignore_empty=True,
        extra="ignore",  # a frontend's variables may live in the same .env
        frozen=True,
        hide_input_in_errors=True,
    )

    app_env: Literal["development", "production"] = "development"

    database_url: SecretStr = SecretStr(f"sqlite:///{DATA_DIR / 'app.db'}")
    migration_database_url: SecretStr | None = None
    database_pool_size: Annotated[int, Field(ge=1)] = 20
    database_max_overflow: Annotated[int, Field(ge=0)] = 0
    database_pool_timeout: Annotated[float, Field(gt=0)] = 6
    database_pool_recycle: Annotated[int, Field(ge=1)] = 280

    better_auth_secret: SecretStr | None = None
    better_auth_secrets: SecretStr | None = None
    better_auth_url: str | None = None
    better_auth_jwks_url: str | None = None
    jwt_keys: Literal["secret", "jwks"] | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None

    max_body_bytes: Annotated[int, Field(ge=1)] = 1_000_000
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"

    @field_validator("better_auth_secret")
    @classmethod
    def _strong(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            _check_secret(secret.get_secret_value())
        return secret

    @field_validator("better_auth_secrets")
    @classmethod
    def _versioned(cls, secrets: SecretStr | None) -> SecretStr | None:
        versions = [version for version, _ in _versions(secrets)]
        if not all(re.fullmatch(r"[0-9]{1,9}", version) for version in versions):
            raise ValueError("is a list like 2:new-secret,1:old-secret; write it as Better Auth wants it")
        if len(set(map(int, versions))) < len(versions):
            raise ValueError("has a version twice; number each secret differently")
        for _, secret in _versions(secrets):
            _check_secret(secret)
        return secrets

    @field_validator("better_auth_url", "better_auth_jwks_url")
    @classmethod
    def _reachable(cls, url: str | None) -> str | None:
        if url is not None:
            _check_url(url)
        return url

    @field_validator("better_auth_url")
    @classmethod
    def _base(cls, url: str | None) -> str | None:
        if url is not None and "?" in url:
            raise ValueError("has a query; give the address under which Better Auth is served, and no more")
        return url

    @field_validator("jwt_issuer", "jwt_audience")
    @classmethod
    def _exact(cls, claim: str | None) -> str | None:
        if claim is not None and (claim != claim.strip() or not claim.isprintable()):
            raise ValueError("has white space at an end or inside; it is compared exactly, so remove it")
        return claim

    @model_validator(mode="after")
    def _one_family_of_keys(self) -> Self:
        if self.jwt_keys is None and self.uses_jwks and self.secrets:
            raise ValueError(
                "BETTER_AUTH_SECRET and BETTER_AUTH_URL are both set; add JWT_KEYS=jwks if a stock Better Auth signs"
                " the tokens, or JWT_KEYS=secret if they are signed (HS256) with the secret"
            )
        if self.jwt_keys == "jwks" and not self.uses_jwks:
            raise ValueError("JWT_KEYS is jwks, but nothing says where they are; set BETTER_AUTH_URL")
        if self.uses_jwks and not (self.better_auth_url or self.jwt_audience):
            raise ValueError(
                "JWT_AUDIENCE is required with BETTER_AUTH_JWKS_URL; set it to the `aud` of the tokens, or set"
                " BETTER_AUTH_URL, which tells it"
            )
        return self

    @model_validator(mode="after")
    def _fit_for_production(self) -> Self:
        if self.is_production and self.uses_jwks:
            name = "BETTER_AUTH_JWKS_URL" if self.better_auth_jwks_url else "BETTER_AUTH_URL"
            if _is_exposed(self.better_auth_jwks_url or self.better_auth_url or ""):
                raise ValueError(
                    f"{name} is http in production, so anybody on the way could replace the keys; use https"
                )
        elif self.is_production:
            if not self.secrets:
                raise ValueError(
                    "BETTER_AUTH_SECRET is required in production; use the one that Better Auth signs with, or set"
                    " BETTER_AUTH_URL for a stock Better Auth, which publishes its keys"
                )
            if any(map(_is_guessable, self.secrets)):
                name = "BETTER_AUTH_SECRETS" if self.better_auth_secrets else "BETTER_AUTH_SECRET"
                raise ValueError(f"{name} looks like an example or a pattern; `openssl rand -base64 32` makes a secret")
        return self

    @property
    def is_production(self) -> bool:
        """True where a weak setting must stop the start instead of being made up for."""
        return self.app_env == "production"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What HS256 tokens may be signed with; the first one signs. BETTER_AUTH_SECRETS replaces the single one."""
        if self.better_auth_secrets:
            return tuple(secret for _, secret in _versions(self.better_auth_secrets))
        return (self.better_auth_secret.get_secret_value(),) if self.better_auth_secret else ()

    @property
    def uses_jwks(self) -> bool:
        """True where tokens are checked with public keys, False where they are checked with a secret."""
        return self.jwt_keys != "secret" and bool(self.better_auth_url or self.better_auth_jwks_url)


@cache
def load_settings() -> Settings:
    """Return the process's settings, read once.

    Raises:
        InvalidSettings: one sentence for each setting that cannot be used.
    """
    try:
        return Settings()
    except UnicodeDecodeError:
        raise InvalidSettings(".env is not UTF-8 text; save it as UTF-8") from None
    except ValidationError as error:
        raise InvalidSettings("; ".join(_sentence(e["loc"], e["msg"]) for e in error.errors())) from None


def _sentence(loc: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ").replace("Input should", "should")
    return f"{str(loc[0]).upper()} {text}" if loc else text


def _check_secret(secret: str) -> None:
    if secret != secret.strip():
        raise ValueError("has white space at an end; remove it, because Better Auth would sign with it")
    if len(secret) < MIN_SECRET_LENGTH:
        raise ValueError(f"needs at least {MIN_SECRET_LENGTH} characters; `openssl rand -base64 32` makes one")
    if any("\ud800" <= character <= "\udfff" for character in secret):
        raise ValueError("is not UTF-8 text; set it in that encoding")
    if secret in KNOWN_SECRETS:
        raise ValueError("is Better Auth's public default; set one of your own on both sides")


def _is_guessable(secret: str) -> bool:
    return len(set(secret)) < _FEWEST_CHARACTERS or bool(_PLACEHOLDER.search(secret))


def _versions(secrets: SecretStr | None) -> list[tuple[str, str]]:
    """The versions and secrets of a list, cut as Better Auth cuts it."""
    entries = secrets.get_secret_value().split(",") if secrets else []
    cut = (entry.strip().partition(":") for entry in entries)
    return [(version.strip(), secret.strip()) for version, _, secret in cut]


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("is not a URL; it looks like https://app.example")
    if parts.username is not None or parts.fragment:
        raise ValueError("has a user, a password or a fragment in it; remove that")


def _is_exposed(url: str) -> bool:
    """Tell whether what is fetched there can be changed on its way: http, and not to this machine."""
    host = urlsplit(url).hostname or ""
    try:
        is_here = ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost" or host.endswith(".localhost")
    return urlsplit(url).scheme == "http" and not is_here
