"""`app seed`."""

import asyncio

import click

from app.core.cli.context import AppContext
from app.core.cli.failures import explained
from app.core.cli.output import print_counts
from app.core.cli.progress import progress
from app.core.cli.sessions import as_everyone, prepare, user_id
from app.core.data.tables.registry import sorted_owned_models
from app.core.data.transfer.factories import factory_of
from app.core.data.transfer.seeding import Seed, seed_rows


@click.command("seed")
@click.option(
    "--users", default=3, show_default=True, type=click.IntRange(min=1), help="Number of users: user1, user2, ..."
)
@click.option("--user", metavar="ID", callback=user_id, help="Add rows for this user only.")
@click.option(
    "--per-user",
    default=50,
    show_default=True,
    type=click.IntRange(min=1),
    help="Number of rows of each user in every table.",
)
@click.option("--seed", "number", metavar="N", type=int, help="Make the same rows each time for the same number.")
@click.option("--yes", is_flag=True, help="Add rows in production as well.")
@click.pass_obj
@explained
def command(
    context: AppContext, /, *, users: int, user: str | None, per_user: int, number: int | None, yes: bool
) -> None:
    """Add invented rows to every table, made by the factories of the nouns. If it fails, no row is added.

    Existing rows stay. A row refers only to rows of the same user.
    """
    settings = prepare(context)
    if settings.is_production and not yes:
        raise click.ClickException("this is production; use --yes to add invented rows to it")
    names = [user] if user else [f"user{n}" for n in range(1, users + 1)]
    context.load_factories()
    with progress("seeding", len(names) * per_user * len(sorted_owned_models())) as advance:
        seed = Seed(names, per_user, number, advance)
        counts = asyncio.run(as_everyone(lambda session: seed_rows(session, seed, factory_of)))
    print_counts(counts, "added", nothing="there is no table to add rows to")
