"""`app migrate`."""

import click

from app.core.cli.failures import explained
from app.core.data.schema.plans import Plan, named, planned
from app.core.data.schema.running.backoff import DEFAULT_TIMEOUT, Backoff
from app.settings import load_settings


@click.command("migrate")
@click.option("--to", metavar="REVISION", help="Up or back to this one, like 0003; `base` is before all of them.")
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if a migration is missing.")
@click.option("--sql", is_flag=True, help="Change nothing; print what would be executed.")
@click.option(
    "--wait",
    default=DEFAULT_TIMEOUT,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Seconds to try again while others use the tables.",
)
@click.option("--yes", is_flag=True, help="Take migrations back without asking.")
@explained
def command(to: str | None, check: bool, sql: bool, wait: float, yes: bool) -> None:
    """Bring the database up to the newest migration, or to another one.

    Each migration is stored when it is done; when one fails, those before it stay, and the next run goes on there.
    Others may read and write meanwhile. A migration that needs a table for itself for a moment says who is in its way.
    Uses MIGRATION_DATABASE_URL where it is set: behind a pooler, migrations want the direct endpoint.
    """
    settings = load_settings()
    plan = planned(settings, to)
    if not plan.steps:
        click.echo(_nothing(plan))
    elif check:
        raise click.ClickException(_difference(plan))
    elif sql:
        plan.print_sql(settings)
    else:
        _announce(plan, yes)
        plan.carry_out(settings, Backoff(wait, _say))


def _nothing(plan: Plan) -> str:
    unknown = ", ".join(plan.unknown)
    return (
        f"the database is newer than this version, which lacks {unknown}: nothing to apply"
        if unknown
        else "nothing to apply"
    )


def _difference(plan: Plan) -> str:
    names = ", ".join(step.revision for step in plan.steps)
    return f"the database has {names} already" if plan.is_back else f"the database lacks {names}; run `app migrate`"


def _announce(plan: Plan, yes: bool) -> None:
    click.echo(f"to {'take back' if plan.is_back else 'apply'}: {named(plan.steps)}")
    if plan.is_back and not yes:
        click.confirm("What they added goes, with all that is stored in it. Take them back?", abort=True)


def _say(sentence: str) -> None:
    click.echo(sentence, err=sentence.startswith("waiting"))
