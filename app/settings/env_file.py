"""The `.env` file, without expansion of variables."""

import os
import re
from collections.abc import Container
from io import StringIO
from pathlib import Path
from typing import ClassVar, Final

from dotenv.parser import Binding, parse_stream
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

_TRUE: Final = frozenset({"1", "true", "t", "yes", "y"})  # the values that python-dotenv accepts
_NAME: Final = re.compile(r"\s*(?:export\s+)?(\w+)\s*=")


class InvalidEnvFile(Exception):
    """The `.env` file cannot be read; the message says why and what to do."""


class EnvFileSettings(BaseSettings):
    """Settings from the environment or, where a variable is not set, from the file `env_file`."""

    # pydantic-settings can read such a file too, but it uses python-dotenv, which expands `$`, without an option.

    env_file: ClassVar[Path]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        values = read_env_file(cls.env_file, cls.model_fields)
        # In order of precedence.
        return init_settings, env_settings, InitSettingsSource(settings_cls, dict(values))


def read_env_file(path: Path, names: Container[str]) -> dict[str, str]:
    """Return the values of these names (lower case), without empty values, or raise InvalidEnvFile.

    The syntax is python-dotenv's. With PYTHON_DOTENV_DISABLED=1 the file is not read.
    """
    if os.environ.get("PYTHON_DOTENV_DISABLED", "").casefold() in _TRUE:
        return {}
    values: dict[str, str] = {}
    for binding in parse_stream(StringIO(_read_text(path))):
        name = _name_of(binding).lower()
        if name in names and binding.error:
            raise InvalidEnvFile(
                f"{name.upper()} cannot be read from .env; quote the whole value, or remove the quotes"
            )
        if name in names:
            values[name] = binding.value or ""
    return {name: value for name, value in values.items() if value}


def _name_of(binding: Binding) -> str:
    match = _NAME.match(binding.original.string)
    return binding.key or (match[1] if match else "")


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError):
        return ""
    except UnicodeDecodeError:
        raise InvalidEnvFile(".env is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise InvalidEnvFile(f"{path} cannot be read: {error.strerror}; make it readable, or remove it") from None
