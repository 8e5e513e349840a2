"""`app startapp`: write a noun with its migration and tests, or remove it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from shutil import rmtree
from typing import Any, Final

import click
from alembic.script import Script
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


@click.command("startapp", epilog=f"Types: {', '.join(KINDS)}. Use text for long text, and str for a line.")
@click.argument("noun")
@click.argument("fields", nargs=-1, metavar="[FIELD:TYPE]...")
@click.option("--singular", help="Singular of NOUN, if the rules of English leave a doubt.")
@click.option("--remove", is_flag=True, help="Delete the noun: its files, its migration, and its table with all rows.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
@explained
def command(  # noqa: PLR0917  # click passes them by name
    context: AppContext, noun: str, fields: tuple[str, ...], singular: str | None, remove: bool, yes: bool
) -> None:
    """Write a complete noun: app/NOUN, its line in app/installed.py, its migration, and tests/NOUN.

    NOUN is a plural, like notes or people. A field is name:type, with a ? at the end if it can be null: title:str:200
    (its maximum length is 200), body:text:10000?, pinned:bool, due:datetime?, and project:ref for a reference to a
    project of the same user. state:choice:open,done has these values, priority:ranked:low,normal,high sorts in this
    order, price:decimal:2 has two fraction digits, and extra:json holds an object. The default is the field name:str.
    Words of SQL can be names; Python keywords cannot.
    `app startapp NOUN --remove` deletes the noun if its migration is the newest.
    """
    load_settings()  # reports an invalid setting first
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
    files = render(noun)
    refuse_clashes(files, _classes_under(SQLModel))
    for path in (f"app/{noun.plural}", f"app/{noun.plural}.py", f"tests/{noun.plural}"):
        if (BASE_DIR / path).exists():
            raise click.UsageError(f"{path} exists already; choose another name, or move it.")
    if missing_operations():
        raise click.ClickException("the models differ from the migrations; run `app makemigrations NAME` first")
    with explained_writing(BASE_DIR), _all_or_nothing(noun.plural):
        migration = _write_files(noun, files)
    folders = f"app/{noun.plural}, tests/{noun.plural}"
    click.echo(f"wrote {folders}, {VERSIONS_DIR}/{migration.name}, and its line in {INSTALLED_FILE}")
    click.echo(f"next: describe the fields for clients in models.py, and run `app migrate`; then use {path_of(noun)}")


def _write_files(noun: Noun, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = BASE_DIR / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    installed = BASE_DIR / INSTALLED_FILE
    module = f"app.{noun.plural}.controllers"
    installed.write_text(add_controller(installed.read_text(), module, f"{noun.class_name}Controller"))
    import_module(module)
    (migration,) = make_migration(noun.plural)
    return migration.path


@contextmanager
def _all_or_nothing(noun: str) -> Iterator[None]:
    # Undo everything that the block has written if it fails or is interrupted.
    installed, versions = BASE_DIR / INSTALLED_FILE, BASE_DIR / VERSIONS_DIR
    text, migrations = installed.read_text(), set(versions.glob("*.py"))
    try:
        yield
    except BaseException:
        installed.write_text(text)
        _remove_folders(noun)
        for path in set(versions.glob("*.py")) - migrations:
            path.unlink()
        raise


def _remove(noun: str, yes: bool) -> None:
    model, migration, settings = _model_of(noun), _migration_of(noun), load_settings()
    path = Path(migration.path)
    deleted = f"app/{noun}, tests/{noun} and {VERSIONS_DIR}/{path.name}"
    is_applied = migration.revision not in pending(settings)
    if is_applied:
        database = display_url(database_url(settings.database_url.get_secret_value()))
        deleted += f", and the table {noun} with its rows in {database}"
    if not yes:
        click.confirm(f"Delete {deleted}?", abort=True, err=True)
    if is_applied:
        downgrade(settings, str(migration.down_revision or "base"))
    installed = BASE_DIR / INSTALLED_FILE
    module, controller = f"app.{noun}.controllers", f"{model.__name__}Controller"
    installed.write_text(remove_controller(installed.read_text(), module, controller))
    path.unlink()
    _remove_folders(noun)
    click.echo(f"deleted {deleted}")


def _migration_of(noun: str) -> Script:
    newest = newest_migration()
    name = Path(newest.path).name
    if name != f"{newest.revision}_{noun}.py":
        raise click.ClickException(
            f"{name} is newer than the migration of {noun}: remove app/{noun}, tests/{noun} and the line in "
            f"{INSTALLED_FILE} by hand, and run `app makemigrations drop_{noun}`"
        )
    return newest


def _model_of(noun: str) -> type[Owned]:
    models = {model.__module__: model for model in owned_models()}
    model = models.get(f"app.{noun}.models")
    if model is None:
        raise click.UsageError(f"there is no noun {noun!r}; app/installed.py lists the nouns.")
    for other in models.values():
        keys = other.__table__.foreign_keys
        if other is not model and any(key.column.table is model.__table__ for key in keys):
            raise click.UsageError(
                f"{other.__tablename__} refers to {noun}; remove {other.__tablename__}, or the reference, first."
            )
    return model


def _remove_folders(noun: str) -> None:
    for folder in (f"app/{noun}", f"tests/{noun}"):
        rmtree(BASE_DIR / folder, ignore_errors=True)


def _classes_under(base: type[Any]) -> set[str]:
    # The OpenAPI document names schemas after their classes, so a second class of a name is refused.
    names = {base.__name__}
    for derived in base.__subclasses__():
        names |= _classes_under(derived)
    return names


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
