"""`app makemigrations`."""

import re
import sys
from collections.abc import Iterable
from functools import partial

import click

from app.core.cli.failures import explained, refuse_installed
from app.core.cli.output import explained_writing
from app.core.data.schema.autogenerate.answers import Answers, Undecided
from app.core.data.schema.autogenerate.scripts import make_migration
from app.core.data.schema.branches import merge_migrations
from app.core.data.schema.drift import missing_operations
from app.settings import MIGRATIONS_DIR, load_settings

NOTHING = "the models agree with the migrations: nothing to write"


@click.command("makemigrations")
@click.argument("name", required=False)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if there is something to write.")
@click.option(
    "--rename",
    "renames",
    multiple=True,
    metavar="OLD=NEW",
    help="Rename a field (notes.color=colour) or a noun (notes=memos); two names cannot be swapped.",
)
@click.option(
    "--default", "defaults", multiple=True, metavar="FIELD=VALUE", help="The value of a new field in existing rows."
)
@click.option(
    "--empty",
    multiple=True,
    metavar="NOUN",
    help="Promise that its table has no rows in any database, so that no default is needed.",
)
@click.option(
    "--allow-loss", is_flag=True, help="Delete fields and tables that the models no longer have, with their values."
)
@click.option("--merge", is_flag=True, help="Write a migration that joins the newest ones of two branches.")
@explained
def command(  # noqa: PLR0917  # click passes them by name
    name: str | None,
    check: bool,
    renames: tuple[str, ...],
    defaults: tuple[str, ...],
    empty: tuple[str, ...],
    allow_loss: bool,
    merge: bool,
) -> None:
    """Write migrations/versions/NNNN_NAME.py with the changes of the models since the newest migration.

    The models are compared with a temporary database, so your database need not run. The command asks what was renamed,
    which value existing rows get in a new required field, and whether values may be deleted; without a terminal, the
    options answer. An operation that reads all rows of a table, like an index, goes into a second file, which runs
    while others write.
    """
    load_settings()  # reports an invalid setting first
    if merge:
        _merge()
        return
    if check:
        _check()
        return
    asks = is_terminal()
    answers = Answers(
        renames=dict(_pairs("--rename", renames, "notes.color=colour")),
        defaults=dict(_pairs("--default", defaults, "priority=0")),
        empty=frozenset(empty),
        allow_loss=allow_loss,
        confirm=partial(click.confirm, err=True) if asks else None,
        prompt=partial(click.prompt, err=True) if asks else None,
    )
    _write(_checked(name), answers)


def is_terminal() -> bool:
    """Return whether the command can ask questions."""
    return sys.stdin.isatty()


def _check() -> None:
    if missing_operations():
        raise click.ClickException("the models differ from the migrations; run `app makemigrations NAME`")
    click.echo(NOTHING)


def _merge() -> None:
    refuse_installed("migrations")
    with explained_writing(MIGRATIONS_DIR):
        path = merge_migrations()
    click.echo(f"wrote {path}" if path else "there is only one newest migration: nothing to merge")


def _write(name: str, answers: Answers) -> None:
    refuse_installed("migrations")
    try:
        with explained_writing(MIGRATIONS_DIR):
            written = make_migration(name, answers)
    except Undecided as question:
        raise click.ClickException(str(question)) from None
    for path, sentences in written:
        click.echo(f"wrote {path}:\n" + "".join(f"  {sentence}\n" for sentence in sentences), nl=False)
    if not written:
        click.echo(NOTHING)


def _pairs(option: str, given: Iterable[str], example: str) -> Iterable[tuple[str, str]]:
    for pair in given:
        left, equals, right = pair.partition("=")
        if not (left and equals):
            raise click.BadParameter(f"write it like {example}", param_hint=option)
        yield left, right


def _checked(name: str | None) -> str:
    if name is None:
        raise click.UsageError("Missing argument 'NAME': give a name for the change, like add_due_date.")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise click.BadParameter("write it in lower case, like add_due_date", param_hint="NAME")
    return name
