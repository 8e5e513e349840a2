"""`app check`."""

import asyncio
import json
from collections import Counter

import click

from app.core.cli.context import AppContext
from app.core.cli.failures import explained
from app.core.ops.checks import Message, run_checks
from app.settings import InvalidSettings, load_settings


@click.command("check")
@click.option("--deploy", is_flag=True, help="Run the checks for a deployment as well.")
@click.option("--strict", is_flag=True, help="Exit with 1 for a warning as well.")
@click.option("--json", "as_json", is_flag=True, help="Write the messages as a JSON array.")
@click.pass_obj
@explained
def command(context: AppContext, deploy: bool, strict: bool, as_json: bool) -> None:
    """Report problems in the settings, the routes, the tables and the database before the application serves.

    The exit code is 1 if there is an error, or, with --strict, a warning. A message has a level, a stable id, a
    sentence and a hint.
    """
    messages = _find(context, deploy=deploy)
    if as_json:
        click.echo(json.dumps([message.as_dict() for message in messages], indent=2))
    else:
        _print(messages)
    if {message.level for message in messages} & ({"error", "warning"} if strict else {"error"}):
        raise SystemExit(1)


def _find(context: AppContext, *, deploy: bool) -> list[Message]:
    try:
        settings = load_settings()
        context.load_checks()
        return asyncio.run(run_checks(settings, context.make_app, deploy=deploy))
    except InvalidSettings as error:
        hint = "Correct the setting in the environment or in .env; .env.example explains each setting."
        return [Message.of("settings.E001", f"{error}.", hint)]


def _print(messages: list[Message]) -> None:
    for message in messages:
        click.echo(f"{message.level}: {message.id}: {message.message} {message.hint}")
    counts = Counter(message.level for message in messages)
    click.echo(f"{counts['error']} errors, {counts['warning']} warnings" if messages else "no problems found")
