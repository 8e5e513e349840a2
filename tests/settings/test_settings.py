"""Settings: what is refused, in words that name the variable and the cure, and never repeat what was set."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import make_url

from app.settings import BASE_DIR, DATA_DIR, InvalidSettings, Settings, load_settings
from tests.settings.environments import BAD, GOOD, PRODUCTION, STRONG


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An environment without any setting; the path of its .env, which is not there yet."""
    path = tmp_path / ".env"
    monkeypatch.delenv("PYTHON_DOTENV_DISABLED")
    monkeypatch.setattr(Settings, "env_file", path)
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
    assert make_url(settings.database_url.get_secret_value()).database == str(DATA_DIR / "app.db")
    assert settings.better_auth_secret is None
    assert (settings.log_level, settings.log_format) == ("INFO", "text")


@pytest.mark.parametrize("variables", GOOD.values(), ids=GOOD)
def test_a_good_environment_is_taken(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    set_all(monkeypatch, variables)

    settings = load_settings()

    for name, value in variables.items():
        if value and name.lower() in Settings.model_fields:
            found = getattr(settings, name.lower())
            assert str(getattr(found, "get_secret_value", lambda found=found: found)()) == value


@pytest.mark.parametrize(
    ("name", "words", "meant"),
    [
        ("APP_ENV", ("production", "PRODUCTION", "Production"), "production"),
        ("LOG_LEVEL", ("info", "Info", "INFO"), "INFO"),
        ("LOG_FORMAT", ("JSON", "Json"), "json"),
        ("JWT_KEYS", ("Secret", "SECRET"), "secret"),
    ],
)
def test_a_word_is_taken_in_any_case(
    monkeypatch: pytest.MonkeyPatch, name: str, words: tuple[str, ...], meant: str
) -> None:
    for word in words:
        set_all(monkeypatch, {"ALLOWED_HOSTS": "*", "BETTER_AUTH_SECRET": STRONG, name: word})
        load_settings.cache_clear()

        assert getattr(load_settings(), name.lower()) == meant


PUBLIC: Final = {"", "*", "production", "jwks", "secret"}  # what a message may say although it was set


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

    with pytest.raises(InvalidSettings, match=r"^BETTER_AUTH_SECRET .*; DATABASE_POOL_SIZE .*; LOG_LEVEL [^;]*$"):
        load_settings()


def test_the_environment_comes_before_the_env_file(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment.write_text("LOG_LEVEL=ERROR\nLOG_FORMAT=json\n")
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("LOG_FORMAT", "")

    assert (load_settings().log_level, load_settings().log_format) == ("DEBUG", "json")


def test_in_a_checkout_the_env_file_and_the_data_lie_at_its_root_wherever_the_command_is_called(tmp_path: Path) -> None:
    ask = "from app.settings import DATA_DIR, Settings; print(Settings.env_file, DATA_DIR)"
    path = {**os.environ, "PYTHONPATH": str(BASE_DIR)}

    answer = subprocess.run(
        [sys.executable, "-c", ask], cwd=tmp_path, env=path, capture_output=True, text=True, check=True
    )

    assert (BASE_DIR / "pyproject.toml").exists()
    assert answer.stdout == f"{BASE_DIR / '.env'} {BASE_DIR / '.data'}\n"


@pytest.mark.parametrize(
    ("variables", "rate"),
    [
        ({}, None),
        ({"RATE_LIMIT": "3/second"}, (3, 1)),
        ({"RATE_LIMIT": "3/Second"}, (3, 1)),
        ({**PRODUCTION, "BETTER_AUTH_SECRET": STRONG, "RATE_LIMIT": "Off"}, None),
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
