"""`app token`."""

import click

from app.core.auth.keys import signing_key
from app.core.auth.tokens import InvalidToken, issue_token, verify_token
from app.core.cli.failures import explained
from app.settings import load_settings

MOST_HOURS = 876_000  # a hundred years


@click.command("token")
@click.argument("user")
@click.option(
    "--hours",
    type=click.FloatRange(min=0, min_open=True, max=MOST_HOURS),
    default=24.0,
    show_default=True,
    help="How long it is valid.",
)
@explained
def command(user: str, hours: float) -> None:
    """Print a token for USER, the `sub` by which rows are owned, signed with the secret of this environment."""
    key = signing_key(load_settings())
    try:
        token = issue_token(user, key, round(hours * 3600))
        verify_token(token, key)
    except (InvalidToken, ValueError) as error:
        raise click.UsageError(f"no token for that user and time would be valid: {error}") from None
    click.echo(token)
