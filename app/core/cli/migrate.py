"""`app migrate`."""

import click

from app.core.cli.failures import explained
from app.core.data.schema.engines import owner_url
from app.core.data.schema.fold_backfill import fill_folds
from app.core.data.schema.plans import Plan, named, planned
from app.core.data.schema.running.backoff import DEFAULT_TIMEOUT, Backoff
from app.settings import load_settings


@click.command("migrate")
@click.option(
    "--to", metavar="REVISION", help="Apply or revert migrations up to this one, like 0003; `base` reverts all."
)
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if a migration is missing.")
@click.option("--sql", is_flag=True, help="Change nothing; print the SQL.")
@click.option(
    "--wait",
    default=DEFAULT_TIMEOUT,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Seconds to retry while others hold locks on the tables.",
)
@click.option("--yes", is_flag=True, help="Revert migrations without asking.")
@explained
def command(to: str | None, check: bool, sql: bool, wait: float, yes: bool) -> None:
    """Apply the missing migrations, or apply or revert migrations up to --to.

    Each migration commits by itself. If one fails, those before it stay applied, and the next run continues there.
    Others can read and write at the same time. A migration that waits for a lock reports the connection that holds it.
    MIGRATION_DATABASE_URL is used if it is set: behind a pooler, migrations need the direct address.
    """
    settings = load_settings()
    plan = planned(settings, to)
    if not plan.steps:
        click.echo(_nothing(plan))
        if not (check or sql or plan.unknown):
            fill_folds(owner_url(settings), Backoff(wait, _print))
    elif check:
        raise click.ClickException(_difference(plan))
    elif sql:
        plan.print_sql(settings)
    else:
        _announce(plan, yes)
        plan.carry_out(settings, Backoff(wait, _print))


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
    click.echo(f"to {'revert' if plan.is_back else 'apply'}: {named(plan.steps)}")
    if plan.is_back and not yes:
        click.confirm("This deletes what these migrations added, with all values in it. Revert them?", abort=True)


def _print(sentence: str) -> None:
    click.echo(sentence, err=sentence.startswith("waiting"))
