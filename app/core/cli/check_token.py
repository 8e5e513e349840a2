"""`app check-token`."""

import sys

import click

from app.core.cli.diagnosis import explain
from app.core.cli.failures import explained
from app.settings import load_settings


@click.command("check-token")
@click.argument("token")
@explained
def command(token: str) -> None:
    """Say in one sentence what is wrong with TOKEN, and what to do; exits with 1 if it would be refused.

    Nothing is sent anywhere, and nothing is logged. With - the token is read from standard input, and stays out of the
    shell's history. A pasted "Bearer" before it is left out.
    """
    given = sys.stdin.read() if token == "-" else token  # noqa: S105  # a dash is no secret
    words = given.removeprefix("Authorization:").split(maxsplit=1)
    is_header = len(words) > 1 and words[0].lower() == "bearer"
    verdict = explain((words[1] if is_header else given).strip(), load_settings())
    click.echo(verdict.sentence if verdict.reason is None else f"{verdict.reason}: {verdict.sentence}")
    if verdict.reason is not None:
        raise SystemExit(1)
