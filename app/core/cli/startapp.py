"""`app startapp`: a new noun, whole, in one command; and back again."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from shutil import rmtree
from typing import Any, Final

import click
from sqlmodel import SQLModel

from app.core.cli.context import AppContext
from app.core.cli.failures import explained, refuse_installed
from app.core.cli.output import explained_writing
from app.core.cli.scaffold.fields import KINDS, parse_fields
from app.core.cli.scaffold.installed import add_controller, remove_controller
from app.core.cli.scaffold.names import Noun, refuse_clashes, refuse_names, refuse_plural
from app.core.cli.scaffold.singulars import singular_of
from app.core.cli.scaffold.templates import path_of, render
from app.core.data.connection.engine import database_url
from app.core.data.connection.libpq import display_url
from app.core.data.schema.autogenerate.scripts import make_migration
from app.core.data.schema.drift import missing_operations
from app.core.data.schema.migrations import downgrade
from app.core.data.schema.revisions import newest_migration, pending
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import owned_models
from app.settings import BASE_DIR, load_settings

INSTALLED_FILE: Final = "app/installed.py"
VERSIONS_DIR: Final = "migrations/versions"
DEFAULT_FIELDS: Final = ("name:str",)


@click.command("startapp", epilog=f"Types: {', '.join(KINDS)}. Text that may be long is text, not str.")
@click.argument("noun")
@click.argument("fields", nargs=-1, metavar="[FIELD:TYPE]...")
@click.option("--singular", help="What one of them is called, where English leaves a doubt.")
@click.option("--remove", is_flag=True, help="Take the noun away again: files, migration, and table with its rows.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
@explained
def command(  # noqa: PLR0917  # click gives them by name
    context: AppContext, noun: str, fields: tuple[str, ...], singular: str | None, remove: bool, yes: bool
) -> None:
    """Write a noun that works: app/NOUN, its line in app/installed.py, its migration, and tests/NOUN.

    NOUN names several, like notes or people. A field is name:type, with a ? behind it if it may be empty: title:str:200
    (the longest it may be), body:text:10000?, pinned:bool, due:datetime?, and project:ref for one of the user's
    projects. Without any it is name:str. Words of SQL will do for names; words of Python will not.
    `app startapp NOUN --remove` takes it back while its migration is the newest.
    """
    load_settings()  # explains one that cannot be used
    context.load_nouns()
    refuse_installed("nouns")
    if remove:
        with explained_writing(BASE_DIR):
            _remove(noun, yes)
        return
    refuse_plural(noun, SQLModel.metadata.tables)
    tables = {_snake(model.__name__): str(model.__tablename__) for model in owned_models()}
    _write(Noun(noun, singular or singular_of(noun), parse_fields(fields or DEFAULT_FIELDS, tables)))


def _write(noun: Noun) -> None:
    refuse_names(noun)
    texts = render(noun)
    refuse_clashes(texts, _classes_under(SQLModel))
    for path in (f"app/{noun.plural}", f"app/{noun.plural}.py", f"tests/{noun.plural}"):
        if (BASE_DIR / path).exists():
            raise click.UsageError(f"there is {path} already; choose another name, or move it away.")
    if missing_operations():
        raise click.ClickException("the models differ from the migrations; run `app makemigrations NAME` first")
    with explained_writing(BASE_DIR), _all_or_nothing(noun.plural):
        migration = _write_files(noun, texts)
    folders = f"app/{noun.plural}, tests/{noun.plural}"
    click.echo(f"wrote {folders}, {VERSIONS_DIR}/{migration.name}, and its line in {INSTALLED_FILE}")
    click.echo(
        f"next: `app migrate`, then {path_of(noun)} is there; say in models.py what clients should know of a field"
    )


def _write_files(noun: Noun, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        path = BASE_DIR / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    listed = BASE_DIR / INSTALLED_FILE
    module = f"app.{noun.plural}.controllers"
    listed.write_text(add_controller(listed.read_text(), module, f"{noun.class_name}Controller"))
    import_module(module)
    (migration,) = make_migration(noun.plural)
    return migration.path


@contextmanager
def _all_or_nothing(noun: str) -> Iterator[None]:
    """Take back what the block has written if it fails or is interrupted."""
    listed, versions = BASE_DIR / INSTALLED_FILE, BASE_DIR / VERSIONS_DIR
    text, migrations = listed.read_text(), set(versions.glob("*.py"))
    try:
        yield
    except BaseException:
        listed.write_text(text)
        _remove_folders(noun)
        for path in set(versions.glob("*.py")) - migrations:
            path.unlink()
        raise


def _remove(noun: str, yes: bool) -> None:
    model = _model_of(noun)
    newest, settings = newest_migration(), load_settings()
    path = Path(newest.path)
    if path.name != f"{newest.revision}_{noun}.py":
        raise click.ClickException(
            f"{path.name} is newer than the migration of {noun}: remove app/{noun}, tests/{noun} and the line in "
            f"{INSTALLED_FILE} by hand, and run `app makemigrations drop_{noun}`."
        )
    deleted = f"app/{noun}, tests/{noun} and {VERSIONS_DIR}/{path.name}"
    is_applied = newest.revision not in pending(settings)
    if is_applied:
        where = display_url(database_url(settings.database_url.get_secret_value()))
        deleted += f", and the table {noun} with its rows in {where}"
    if not yes:
        click.confirm(f"Delete {deleted}?", abort=True, err=True)
    if is_applied:
        downgrade(settings, str(newest.down_revision or "base"))
    listed = BASE_DIR / INSTALLED_FILE
    listed.write_text(remove_controller(listed.read_text(), f"app.{noun}.controllers", f"{model.__name__}Controller"))
    path.unlink()
    _remove_folders(noun)
    click.echo(f"deleted {deleted}")


def _model_of(noun: str) -> type[Owned]:
    models = {model.__module__: model for model in owned_models()}
    model = models.get(f"app.{noun}.models")
    if model is None:
        raise click.UsageError(f"there is no noun {noun!r} to remove.")
    for other in models.values():
        keys = other.__table__.foreign_keys
        if other is not model and any(key.column.table is model.__table__ for key in keys):
            raise click.UsageError(
                f"{other.__tablename__} refer to {noun}; remove {other.__tablename__}, or that field, first."
            )
    return model


def _remove_folders(noun: str) -> None:
    for folder in (f"app/{noun}", f"tests/{noun}"):
        rmtree(BASE_DIR / folder, ignore_errors=True)


def _classes_under(base: type[Any]) -> set[str]:
    """The names of all classes that are derived from it; the API's description goes by those of tables and schemas."""
    names = {base.__name__}
    for derived in base.__subclasses__():
        names |= _classes_under(derived)
    return names


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
