"""The lobby's settings: typed, read from the environment and `.env`, checked when loaded and never again."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = BASE_DIR / ".data"

MIN_SECRET_LENGTH = 32
# What Better Auth signs with when nobody configured a secret: long enough, and known to everybody.
KNOWN_SECRETS = frozenset({"better-auth-secret-12345678901234567890"})


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
    database_ping_after: Annotated[float, Field(ge=0)] = 30

    better_auth_secret: SecretStr | None = None

    max_body_bytes: Annotated[int, Field(ge=1)] = 1_000_000
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"

    @field_validator("better_auth_secret")
    @classmethod
    def _strong(cls, secret: SecretStr | None) -> SecretStr | None:
        value = secret.get_secret_value() if secret else None
        if value is None:
            return None
        if value != value.strip():
            raise ValueError("has white space at an end; remove it, because Better Auth would sign with it")
        if len(value) < MIN_SECRET_LENGTH:
            raise ValueError(f"needs at least {MIN_SECRET_LENGTH} characters; `openssl rand -base64 32` makes one")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError("is not UTF-8 text; set it in that encoding")
        if value in KNOWN_SECRETS:
            raise ValueError("is Better Auth's public default; set one of your own on both sides")
        return secret

    @model_validator(mode="after")
    def _fit_for_production(self) -> "Settings":
        if self.is_production and self.better_auth_secret is None:
            raise ValueError("BETTER_AUTH_SECRET is required in production; use the one that Better Auth signs with")
        return self

    @property
    def is_production(self) -> bool:
        """True where a weak setting must stop the start instead of being made up for."""
        return self.app_env == "production"


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
