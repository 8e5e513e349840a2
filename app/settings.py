"""The lobby's settings: typed, read from the environment and `.env`, checked when loaded and never again."""

import re
from functools import cache
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Self
from urllib.parse import quote

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import SettingsConfigDict

from app.env_file import EnvFileSettings, InvalidEnvFile
from app.values import (
    Rate,
    check_header_names,
    check_hosts,
    check_networks,
    check_origins,
    check_rate,
    check_secret,
    check_storage,
    check_url,
    in_lower_case,
    in_upper_case,
    is_exposed,
    is_guessable,
    parse_rate,
)

APP_DIR: Final = Path(__file__).resolve().parent
# A checkout has the migrations beside the package, an installed package inside of it (see pyproject.toml).
IS_CHECKOUT: Final = not (APP_DIR / "migrations" / "env.py").exists()
MIGRATIONS_DIR: Final = (APP_DIR.parent if IS_CHECKOUT else APP_DIR) / "migrations"
# Where `.env` and `.data` lie: in the checkout, wherever a command is called; else in the working directory.
BASE_DIR: Final = APP_DIR.parent if IS_CHECKOUT else Path.cwd()
DATA_DIR: Final = BASE_DIR / ".data"

_RATE_IN_PRODUCTION = "600/minute"
_DRAIN_IN_PRODUCTION = 5.0  # seconds: what a Kubernetes or a load balancer takes to send requests elsewhere


class InvalidSettings(Exception):
    """The environment cannot be used; the message says which setting, and what to do."""


class Settings(EnvFileSettings):
    """Everything an operator can turn. `.env.example` explains each one; a test holds the two together."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        frozen=True,
        hide_input_in_errors=True,
    )

    env_file: ClassVar[Path] = BASE_DIR / ".env"

    app_env: Annotated[Literal["development", "production"], BeforeValidator(in_lower_case)] = "development"

    database_url: SecretStr = SecretStr(f"sqlite:///{quote(str(DATA_DIR / 'app.db'))}")
    migration_database_url: SecretStr | None = None
    database_pool_size: Annotated[int, Field(ge=1)] = 20
    database_max_overflow: Annotated[int, Field(ge=0)] = 0
    database_pool_timeout: Annotated[float, Field(gt=0)] = 6
    database_pool_recycle: Annotated[int, Field(ge=1)] = 280

    better_auth_secret: SecretStr | None = None
    better_auth_secrets: SecretStr | None = None
    better_auth_url: str | None = None
    better_auth_jwks_url: str | None = None
    jwks_over_http: bool = False
    jwt_keys: Annotated[Literal["secret", "jwks"] | None, BeforeValidator(in_lower_case)] = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None

    allowed_hosts: Annotated[str, AfterValidator(check_hosts)] = ""
    cors_origins: Annotated[str, AfterValidator(check_origins)] = ""
    cors_headers: Annotated[str, AfterValidator(check_header_names)] = ""
    trusted_proxies: Annotated[str, AfterValidator(check_networks)] = ""
    rate_limit: Annotated[str, AfterValidator(check_rate)] | None = None
    rate_limit_storage: SecretStr | None = None

    drain_seconds: Annotated[float, Field(ge=0)] | None = None
    shutdown_seconds: Annotated[float, Field(ge=2)] = 20

    max_body_bytes: Annotated[int, Field(ge=1)] = 1_000_000
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(in_upper_case)] = "INFO"
    log_format: Annotated[Literal["text", "json"], BeforeValidator(in_lower_case)] = "text"

    @field_validator("better_auth_secret")
    @classmethod
    def _strong(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            check_secret(secret.get_secret_value())
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
            check_secret(secret)
        return secrets

    @field_validator("rate_limit_storage")
    @classmethod
    def _shared(cls, storage: SecretStr | None) -> SecretStr | None:
        if storage is not None:
            check_storage(storage.get_secret_value())
        return storage

    @field_validator("better_auth_url", "better_auth_jwks_url")
    @classmethod
    def _reachable(cls, url: str | None) -> str | None:
        if url is not None:
            check_url(url)
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
            self._refuse_exposed_keys()
        elif self.is_production:
            if not self.secrets:
                raise ValueError(
                    "BETTER_AUTH_SECRET is required in production; use the one that Better Auth signs with, or set"
                    " BETTER_AUTH_URL for a stock Better Auth, which publishes its keys"
                )
            if any(map(is_guessable, self.secrets)):
                name = "BETTER_AUTH_SECRETS" if self.better_auth_secrets else "BETTER_AUTH_SECRET"
                raise ValueError(f"{name} looks like an example or a pattern; `openssl rand -base64 32` makes a secret")
        return self

    def _refuse_exposed_keys(self) -> None:
        if self.better_auth_jwks_url is None and is_exposed(self.better_auth_url or ""):
            raise ValueError(
                "BETTER_AUTH_URL is http in production, so anybody on the way could replace the keys; use https, or set"
                " BETTER_AUTH_JWKS_URL to where they are published in a private network"
            )
        if is_exposed(self.better_auth_jwks_url or "") and not self.jwks_over_http:
            raise ValueError(
                "BETTER_AUTH_JWKS_URL is http in production, so anybody on the way could replace the keys; use https,"
                " or set JWKS_OVER_HTTP=true if that way is a private network"
            )

    @model_validator(mode="after")
    def _called_by_a_known_name(self) -> Self:
        if self.is_production and not self.allowed_hosts:
            raise ValueError(
                "ALLOWED_HOSTS is required in production; list the names that clients call, like api.example.com,"
                " or set it to * if a proxy in front lets no other through"
            )
        return self

    @model_validator(mode="after")
    def _ends_behind_the_drain(self) -> Self:
        if self.drains_for > self.shutdown_seconds - 1:
            raise ValueError(
                "SHUTDOWN_SECONDS leaves no time for requests behind DRAIN_SECONDS, which is a part of it; raise it"
            )
        return self

    @property
    def is_production(self) -> bool:
        """True where a weak setting must stop the start instead of being made up for."""
        return self.app_env == "production"

    @property
    def rate(self) -> Rate | None:
        """How often a user may call, None for as often as they like; where nothing is set, production has a limit."""
        return parse_rate(self.rate_limit or (_RATE_IN_PRODUCTION if self.is_production else "off"))

    @property
    def drains_for(self) -> float:
        """Seconds between "not ready" and the end of service; where nothing is set, only production has some."""
        return self.drain_seconds if self.drain_seconds is not None else _DRAIN_IN_PRODUCTION * self.is_production

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
    except InvalidEnvFile as error:
        raise InvalidSettings(str(error)) from None
    except ValidationError as error:
        raise InvalidSettings("; ".join(_sentence(e["loc"], e["msg"]) for e in error.errors())) from None


def _sentence(loc: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ").replace("Input should", "should")
    return f"{str(loc[0]).upper()} {text}" if loc else text


def _versions(secrets: SecretStr | None) -> list[tuple[str, str]]:
    """The versions and secrets of a list, cut as Better Auth cuts it."""
    entries = secrets.get_secret_value().split(",") if secrets else []
    cut = (entry.strip().partition(":") for entry in entries)
    return [(version.strip(), secret.strip()) for version, _, secret in cut]
