"""The `app` command. A subcommand is imported when it is called, so that `--help` is quick."""

import sys
from importlib import import_module
from typing import Any, Final

import click

COMMANDS: Final = {
    "run": "Serve the application.",
    "migrate": "Apply the missing migrations.",
    "makemigrations": "Write a migration for the changes in the models.",
    "startapp": "Write a resource: table, API, factory, migration, tests.",
    "check": "Report problems before the application serves.",
    "token": "Print a token for a user.",
    "check-token": "Explain why a token is refused.",
    "shell": "Open Python with a session and all models.",
    "routes": "List every route.",
    "schema": "Write the OpenAPI document.",
    "seed": "Add invented rows.",
    "dumpdata": "Write all rows of all users as JSON lines.",
    "loaddata": "Store the rows of a dumpdata file.",
    "backup": "Write the whole database to a file.",
    "restore": "Replace the database by a backup.",
    "user": "Export or erase all rows of a user.",
}


class Commands(click.Group):
    """The commands in `app/core/cli/`, found by file name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        if sys.platform == "win32":  # it has no select.poll(), and psycopg does not work with its event loop
            raise click.ClickException("this program needs a POSIX system; use Linux, macOS or, on Windows, WSL")
        command: click.Command = import_module(f"app.core.cli.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


class LazyContext:
    """The `AppContext` of `app/context.py`, imported at the first use of an attribute."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module("app.context").CONTEXT, name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(ctx: click.Context) -> None:
    """Litestead: the backend for products in which every row belongs to a user.

    Settings come from the environment and from .env; .env.example explains each of them.
    """
    ctx.obj = LazyContext()


if __name__ == "__main__":
    main()
