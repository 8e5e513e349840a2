"""`app shell`: Python with a session that serves whom it says, and in which await works."""

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from app.__main__ import main
from app.core.cli import shell
from app.core.cli.consoles.python import interact
from app.settings import load_settings
from app.testing.databases import Databases
from tests.core.cli.conftest import Invoke

IDS = "print((await session.scalars(select(Task.user_id).order_by(Task.id))).all())\n"
ALL_USERS = "The session reads and writes the rows of all users."

Type = Callable[..., Result]


@pytest.fixture
def typed(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Start the shell and type something into it."""
    monkeypatch.setattr(shell, "interact", interact)  # Python's own console, also where IPython is installed

    def start(text: str, *options: str, **environment: str) -> Result:
        invoke("token", "alice")  # for the environment that it clears
        load_settings.cache_clear()
        return CliRunner().invoke(main, ["shell", *options], input=text, env=environment, prog_name="app")

    return start


@pytest.fixture
def urls(invoke: Invoke, databases: Databases) -> dict[str, str]:
    """The two addresses of a database in which two users have a row each in every table."""
    url = databases.fresh()
    owner = databases.for_owner(url)
    invoke("seed", "--users", "2", "--per-user", "1", DATABASE_URL=owner)
    return {"DATABASE_URL": url, "MIGRATION_DATABASE_URL": owner}


def test_without_a_user_it_serves_everyone_after_saying_so(typed: Type, urls: dict[str, str]) -> None:
    result = typed(IDS, **urls)

    assert (result.exit_code, result.stderr.strip()) == (0, ALL_USERS)
    assert result.stdout == "['user1', 'user2']\n"


def test_with_a_user_it_serves_that_one(typed: Type, urls: dict[str, str]) -> None:
    result = typed(IDS, "--user", "user2", **urls)

    assert (result.exit_code, result.stderr.strip()) == (0, "The session reads and writes the rows of user2.")
    assert result.stdout == "['user2']\n"


@pytest.mark.any_database
def test_what_is_typed_wrong_is_shown_and_the_shell_goes_on(typed: Type, urls: dict[str, str]) -> None:
    result = typed("1/0\nx = 40\nx + 2\nraise SystemExit(3)\n", **urls)

    assert "ZeroDivisionError" in result.stderr
    assert result.stdout == "42\n"
    assert result.exit_code == 3


def test_a_role_that_policies_hold_cannot_serve_everyone(typed: Type, restricted: Databases) -> None:
    result = typed(IDS, DATABASE_URL=restricted.fresh())

    assert (result.exit_code, result.stdout) == (1, "")
    assert "MIGRATION_DATABASE_URL" in result.stderr


def test_a_user_that_no_token_could_name_is_refused(invoke: Invoke) -> None:
    assert invoke("shell", "--user", " ").exit_code == 2
