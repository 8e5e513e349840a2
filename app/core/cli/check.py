"""`app check`."""

import asyncio
import json
from collections import Counter

import click

from app.core.cli.context import Lobby
from app.core.cli.failures import explained
from app.core.ops.checks import Finding, run_checks
from app.settings import InvalidSettings, load_settings


@click.command("check")
@click.option("--deploy", is_flag=True, help="Look at what matters for a deployment as well.")
@click.option("--strict", is_flag=True, help="Exit with 1 for a warning as well.")
@click.option("--json", "as_json", is_flag=True, help="Write the findings as a JSON array.")
@click.pass_obj
@explained
def command(lobby: Lobby, deploy: bool, strict: bool, as_json: bool) -> None:
    """Look for what is wrong before it serves: the settings, the routes, the tables and the database.

    Exits with 1 if there is an error; not for a warning, unless --strict, and never for an info. A finding is its
    level, an id that stays the same, a sentence, and what to do.
    """
    findings = _find(lobby, deploy=deploy)
    if as_json:
        click.echo(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        _tell(findings)
    if {finding.level for finding in findings} & ({"error", "warning"} if strict else {"error"}):
        raise SystemExit(1)


def _find(lobby: Lobby, *, deploy: bool) -> list[Finding]:
    try:
        settings = load_settings()
        lobby.load_checks()
        return asyncio.run(run_checks(settings, lobby.make_app, deploy=deploy))
    except InvalidSettings as error:
        cure = "Correct it in the environment or in .env; .env.example explains each setting."
        return [Finding.of("settings.E001", f"{error}.", cure)]


def _tell(findings: list[Finding]) -> None:
    for finding in findings:
        click.echo(f"{finding.level}: {finding.id}: {finding.message} {finding.cure}")
    counts = Counter(finding.level for finding in findings)
    click.echo(f"{counts['error']} errors, {counts['warning']} warnings" if findings else "nothing found")
