"""The `app` command. It lists the commands and imports one only when it is called, so that `--help` is quick."""

import sys
from importlib import import_module
from typing import Any, Final

import click

COMMANDS: Final = {
    "run": "Serve the application.",
    "migrate": "Bring the database up to the newest migration.",
    "makemigrations": "Write the migration from the present ones to the models.",
    "startapp": "Write a new noun: table, API, factory, migration, tests.",
    "check": "Look for what is wrong before it serves.",
    "token": "Print a token for a user.",
    "check-token": "Say what is wrong with a token.",
    "shell": "Open Python with a session and all models.",
    "routes": "List every route.",
    "schema": "Write the API as an OpenAPI document.",
    "seed": "Add invented rows.",
    "dumpdata": "Write all rows of everyone as JSON lines.",
    "loaddata": "Store what dumpdata wrote.",
    "backup": "Write the whole database to a file.",
    "restore": "Put a backup in the place of the database.",
    "user": "Export or erase all that is stored of a user.",
}


class Commands(click.Group):
    """The commands in `app/core/cli/`, each in the file of its name, with an underscore for a hyphen."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of the list above."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        if sys.platform == "win32":  # it has neither select.poll() nor an event loop that can wait for psycopg
            raise click.ClickException("this needs a POSIX system: Linux, macOS or, on Windows, WSL")
        command: click.Command = import_module(f"app.core.cli.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


class LazyContext:
    """The `AppContext` of `app/context.py`, which is imported when a command first uses one of its attributes."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module("app.context").CONTEXT, name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(ctx: click.Context) -> None:
    """Litestead: the backend for products in which every row belongs to a user.

    Settings come from the environment and from .env; `.env.example` explains each.
    """
    ctx.obj = LazyContext()


if __name__ == "__main__":
    main()
