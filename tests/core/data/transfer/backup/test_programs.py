"""PostgreSQL's programs: what they are told, what nobody else reads, and what they say in one sentence."""

import os
from pathlib import Path

import pytest

from app.core.data.connection.engine import database_url
from app.core.data.errors import BackupFailed
from app.core.data.transfer.backup.programs import ClientPrograms, find_program, major_version
from app.settings import InvalidSettings
from tests.parts.programs import write_program

TELLS = 'for argument; do echo "$argument"; done; echo "PGPASSWORD=$PGPASSWORD"'


def told(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a program gets that connects to a database: each argument, and the password."""
    monkeypatch.setenv("PATH", write_program(folder, "psql", f"exec > {folder}/told; {TELLS}"))
    ClientPrograms(database_url(url)).connect("psql", "--quiet")
    return (folder / "told").read_text().splitlines()


def test_a_password_is_on_no_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    never_asks, *command, password = told("postgresql://ann:p%20w'%5C@h/d", tmp_path, monkeypatch)

    assert never_asks == "--no-password"
    assert password == "PGPASSWORD=p w'\\"
    assert not any("p w" in word or "password=" in word for word in command)
    assert command[-1] == "--quiet"


def test_a_password_of_the_environment_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "of the environment")

    assert told("postgresql://ann@h/d", tmp_path, monkeypatch)[-1] == "PGPASSWORD=of the environment"


def test_all_that_the_url_says_to_libpq_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://ann:pw@a:1,b:2/my%20db?sslmode=verify-full&target_session_attrs=read-write&connect_timeout=9"
    _, connection, *_ = told(url, tmp_path, monkeypatch)

    for option in ("host=a,b", "port=1,2", "user=ann", "dbname='my db'", "sslmode=verify-full", "connect_timeout=9"):
        assert option in connection
    assert "target_session_attrs=read-write" in connection
    assert "keepalives_idle=" in connection
    assert "tcp_user_timeout=" not in connection  # it would end a restore that the server is long at


@pytest.mark.parametrize("option", ["sslpassword", "scram_client_key"])
def test_a_secret_that_could_only_stand_on_a_command_line_is_refused(option: str) -> None:
    with pytest.raises(InvalidSettings, match=option) as refused:
        ClientPrograms(database_url(f"postgresql://ann@h/d?{option}=hunter2"))

    assert "hunter2" not in str(refused.value)


def test_a_program_that_is_not_there_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)

    with pytest.raises(BackupFailed, match=r"pg_dump is not on PATH; install .*postgresql-client.*app dumpdata"):
        find_program("pg_dump")


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("pg_dump (PostgreSQL) 18.6", 18),
        ("pg_dump (PostgreSQL) 9.6.1", 9),
        ("pg_dump (PostgreSQL) 19beta1", 19),
        ("", 0),
    ],
)
def test_the_version_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, version: int) -> None:
    monkeypatch.setenv("PATH", write_program(tmp_path, "pg_dump", f"echo '{said}'"))

    assert major_version("pg_dump") == version


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "pg_dump: error: query failed: ERROR:  permission denied for table x\npg_dump: detail: y",
            "permission denied",
        ),
        ('psql:<stdin>:45: ERROR:  role "app" does not exist\nLINE 1: ...', 'role "app" does not exist'),
        ('psql: error: connection to server at "h" failed: FATAL:  no entry', "no entry"),
        ("pg_restore: warning: w\npg_restore: error: end of file", "end of file"),
        ("Rolle fehlt\nmehr", "Rolle fehlt"),
        ("", "it gave no reason"),
    ],
)
def test_what_it_says_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, sentence: str
) -> None:
    (tmp_path / "said").write_text(said)
    monkeypatch.setenv("PATH", write_program(tmp_path, "psql", f"cat {tmp_path}/said >&2; exit 1"))
    programs = ClientPrograms(database_url("postgresql://ann@h/d"))

    with pytest.raises(BackupFailed, match=f"^psql failed: {sentence}") as run:
        programs.run("psql")
    with pytest.raises(BackupFailed) as read, programs.read("psql") as output:
        assert output.read() == b""
    with pytest.raises(BackupFailed) as fed, programs.feed("psql") as taken:
        taken.write(b"x" * 1_000_000)  # more than it has taken when it ends

    assert "\n" not in str(run.value)
    assert str(run.value) == str(read.value) == str(fed.value)
