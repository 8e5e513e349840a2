"""`app check`."""

import asyncio

import click

from app.core.cli.failures import explained
from app.core.ops.checks import run_checks
from app.settings import load_settings


@click.command("check")
@click.option("--deploy", is_flag=True, help="Look at what matters for a deployment as well.")
@explained
def command(deploy: bool) -> None:
    """Look for what is wrong before it serves; exits with 1 if there is an error, not for a warning."""
    findings = asyncio.run(run_checks(load_settings(), deploy=deploy))
    for finding in findings:
        click.echo(f"{finding.level}: {finding.id}: {finding.message} {finding.cure}")
    if any(finding.level == "error" for finding in findings):
        raise SystemExit(1)
    click.echo(f"no errors, {len(findings)} warnings" if findings else "nothing found")
