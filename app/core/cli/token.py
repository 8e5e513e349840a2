"""`app token`."""

import click

from app.core.auth.better_auth import expected_claims
from app.core.auth.secret_keys import SecretKeys, signing_keys
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
    """Print a token for USER, the `sub` by which rows are owned, signed with the secret of this environment.

    Where tokens are checked with Better Auth's public keys, Better Auth alone can sign one.
    """
    settings = load_settings()
    if settings.uses_jwks:
        raise click.ClickException(
            "tokens are signed by Better Auth here: sign in there and GET /api/auth/token, or run both this command and"
            " the app with JWT_KEYS=secret"
        )
    (key, *_), expected = signing_keys(settings), expected_claims(settings)
    try:
        token = issue_token(user, key, round(hours * 3600), expected)
        verify_token(token, SecretKeys(key), expected)
    except (InvalidToken, ValueError) as error:
        raise click.UsageError(f"no token for that user and time would be valid: {error}") from None
    click.echo(token)
