"""All settings, and `load_settings`."""

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

from app.settings.env_file import InvalidEnvFile
from app.settings.formats import (
    Rate,
    check_header_names,
    check_hosts,
    check_networks,
    check_origins,
    check_rate,
    check_storage_url,
    parse_rate,
    to_lower_case,
    to_upper_case,
)
from app.settings.paths import BASE_DIR, DATA_DIR
from app.settings.tokens import TokenSettings

_PRODUCTION_RATE: Final = "600/minute"
_HOUR: Final = 3600.0  # seconds
_PRODUCTION_DRAIN_SECONDS: Final = 5.0  # Kubernetes or a load balancer needs them to stop sending requests


class InvalidSettings(Exception):
    """A setting or environment variable is missing or not valid. The message names it and the remedy."""


class Settings(TokenSettings):
    """All settings. `.env.example` explains each one."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        frozen=True,
        hide_input_in_errors=True,
    )

    env_file: ClassVar[Path] = BASE_DIR / ".env"

    database_url: SecretStr = SecretStr(f"sqlite:///{quote(str(DATA_DIR / 'app.db'))}")
    migration_database_url: SecretStr | None = None
    database_pool_size: Annotated[int, Field(ge=1)] = 20
    database_max_overflow: Annotated[int, Field(ge=0)] = 0
    database_pool_timeout: Annotated[float, Field(gt=0, le=_HOUR)] = 6
    database_pool_recycle: Annotated[int, Field(ge=1)] = 280

    allowed_hosts: Annotated[str, AfterValidator(check_hosts)] = ""
    cors_origins: Annotated[str, AfterValidator(check_origins)] = ""
    cors_headers: Annotated[str, AfterValidator(check_header_names)] = ""
    trusted_proxies: Annotated[str, AfterValidator(check_networks)] = ""
    rate_limit: Annotated[str, AfterValidator(check_rate)] | None = None
    rate_limit_storage: SecretStr | None = None

    drain_seconds: Annotated[float, Field(ge=0, le=_HOUR)] | None = None
    shutdown_seconds: Annotated[float, Field(ge=2, le=_HOUR)] = 20

    max_body_bytes: Annotated[int, Field(ge=1)] = 1_000_000
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(to_upper_case)] = "INFO"
    log_format: Annotated[Literal["text", "json"], BeforeValidator(to_lower_case)] = "text"

    @field_validator("rate_limit_storage")
    @classmethod
    def _check_storage_url(cls, storage: SecretStr | None) -> SecretStr | None:
        if storage is not None:
            check_storage_url(storage.get_secret_value())
        return storage

    @model_validator(mode="after")
    def _require_allowed_hosts(self) -> Self:
        if self.is_production and not self.allowed_hosts:
            raise ValueError(
                "ALLOWED_HOSTS is required in production; list the host names that clients use, like api.example.com,"
                " or set it to * if a proxy in front checks the host"
            )
        return self

    @model_validator(mode="after")
    def _check_drain_fits_shutdown(self) -> Self:
        if self.effective_drain_seconds > self.shutdown_seconds - 1:
            raise ValueError(
                "SHUTDOWN_SECONDS must be at least 1 more than DRAIN_SECONDS, which is a part of it; raise it"
            )
        return self

    @property
    def rate(self) -> Rate | None:
        """The rate limit per user, None for no limit."""
        return parse_rate(self.rate_limit or (_PRODUCTION_RATE if self.is_production else "off"))

    @property
    def effective_drain_seconds(self) -> float:
        return self.drain_seconds if self.drain_seconds is not None else _PRODUCTION_DRAIN_SECONDS * self.is_production


@cache
def load_settings() -> Settings:
    """Return the settings of this process, read once.

    Raises:
        InvalidSettings: one sentence for each setting that is not valid.
    """
    try:
        return Settings()
    except InvalidEnvFile as error:
        raise InvalidSettings(str(error)) from None
    except ValidationError as error:
        raise InvalidSettings("; ".join(_message(e["loc"], e["msg"]) for e in error.errors())) from None


def _message(loc: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ").replace("Input should", "should")
    return f"{str(loc[0]).upper()} {text}" if loc else text
