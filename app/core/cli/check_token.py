"""`app check-token`."""

import sys

import click

from app.core.cli.failures import explained
from app.core.cli.token_diagnosis.verdict import diagnose
from app.settings import load_settings


@click.command("check-token")
@click.argument("token")
@explained
def command(token: str) -> None:
    """Print why the application would refuse TOKEN, and what to do. The exit code is 1 if it would, and otherwise 0.

    Nothing is sent over the network or logged. With - as TOKEN, the token is read from standard input and does not
    appear in the history of the shell. A "Bearer" before the token is ignored.
    """
    given = sys.stdin.read() if token == "-" else token  # noqa: S105  # a dash is no secret
    words = given.removeprefix("Authorization:").split(maxsplit=1)
    is_header = len(words) > 1 and words[0].lower() == "bearer"
    verdict = diagnose((words[1] if is_header else given).strip(), load_settings())
    click.echo(verdict.sentence if verdict.reason is None else f"{verdict.reason}: {verdict.sentence}")
    if verdict.reason is not None:
        raise SystemExit(1)
