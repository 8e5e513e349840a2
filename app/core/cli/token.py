"""`app token`."""

import click

from app.core.auth.keys import signing_key
from app.core.auth.tokens import issue_token
from app.core.cli.failures import explained
from app.settings import load_settings


@click.command("token")
@click.argument("user")
@click.option(
    "--hours",
    type=click.FloatRange(min=0, min_open=True),
    default=24.0,
    show_default=True,
    help="How long it is valid.",
)
@explained
def command(user: str, hours: float) -> None:
    """Print a token for USER, the `sub` by which rows are owned, signed with the secret of this environment."""
    key = signing_key(load_settings())
    click.echo(issue_token(user, key, round(hours * 3600)))
