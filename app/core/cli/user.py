"""`app user`: all that is stored of a person, to hand it over and to erase it."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

import click
import msgspec

from app.core.auth.tokens import MAX_SUBJECT_LENGTH, is_subject
from app.core.cli.failures import explained
from app.core.data.engine import make_engine
from app.core.data.migrations import pending
from app.core.data.ownership import bind_owner
from app.core.data.people import count_rows, erase_rows, export_rows
from app.core.data.session import AppSession
from app.settings import load_settings

T = TypeVar("T")


def _id(_: click.Context, __: click.Parameter, given: str) -> str:
    if not is_subject(given):
        raise click.BadParameter(f"an id is 1 to {MAX_SUBJECT_LENGTH} printable characters, and not blank")
    return given


@click.group("user")
def command() -> None:
    """All that is stored of one user: every row, in every table."""


@command.command("export")
@click.argument("user", metavar="ID", callback=_id)
@click.option("--output", type=click.Path(path_type=Path), help="A new file to write to, instead of standard output.")
@click.pass_obj
@explained
def export(load_nouns: Callable[[], None], user: str, output: Path | None) -> None:
    """Write all rows of the user ID as JSON lines, each behind those that it refers to.

    A line is {"table": "tasks", "row": {...}}. How many there are of each table goes to standard error.
    """
    _prepare(load_nouns)
    with _destination(output) as file:
        counts = asyncio.run(_as_user(user, lambda session: _write(session, file)))
    _tell(user, counts, "exported", err=True)


@command.command("erase")
@click.argument("user", metavar="ID", callback=_id)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
@explained
def erase(load_nouns: Callable[[], None], user: str, yes: bool) -> None:
    """Delete all rows of the user ID for good: all of them or, if that fails, none.

    Close the account at Better Auth first: with a token that is still valid the user can store new rows. Backups, and
    space that the database has yet to write over, keep what they hold.
    """
    _prepare(load_nouns)
    counts = asyncio.run(_as_user(user, count_rows))
    if any(counts.values()) and not yes:
        _tell(user, counts, "stored", err=True)
        click.confirm(f"Erase all of this, which is stored for {user}?", abort=True, err=True)
    if any(counts.values()):
        counts = asyncio.run(_as_user(user, erase_rows))
    _tell(user, counts, "erased")


def _prepare(load_nouns: Callable[[], None]) -> None:
    """Know every table, and see that the database has them: one that is not known would be left out."""
    load_nouns()
    missing = pending(load_settings())
    if missing:
        raise click.ClickException(f"the database lacks the migrations {', '.join(missing)}; run `app migrate` first")


async def _as_user(user: str, work: Callable[[AppSession], Awaitable[T]]) -> T:
    """Work in a session that serves the user, as a request of theirs would."""
    engine = make_engine(load_settings())
    try:
        async with AppSession(engine) as session:
            bind_owner(session, user)
            return await work(session)
    finally:
        await engine.dispose()


async def _write(session: AppSession, file: IO[bytes]) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    async for found in export_rows(session):
        file.write(msgspec.json.encode(found) + b"\n")
        counts[found.table] += 1
    return counts


@contextmanager
def _destination(output: Path | None) -> Iterator[IO[bytes]]:
    """Standard output, or a new file; what cannot be written is one line."""
    try:
        if output is None:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        else:
            with _new_file(output) as file:
                yield file
    except BrokenPipeError:
        raise  # a reader that has seen enough: click ends without a word
    except OSError as error:
        raise click.ClickException(f"cannot write {output or 'to standard output'}: {error.strerror}") from None


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that nobody else may read; it is removed again if it would stay incomplete."""
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        try:
            yield file
            file.flush()
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _tell(user: str, counts: Mapping[str, int], done: str, *, err: bool = False) -> None:
    for table, rows in counts.items():
        if rows:
            click.echo(f"{table}: {rows} {done}", err=err)
    if not any(counts.values()):
        click.echo(f"nothing is stored for {user}", err=err)
