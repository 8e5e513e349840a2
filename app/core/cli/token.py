"""`app token`."""

import click

from app.core.auth.better_auth import expected_claims
from app.core.auth.secret_keys import SecretKeys, signing_keys
from app.core.auth.tokens import InvalidToken, issue_token, verify_token
from app.core.cli.failures import explained
from app.settings import load_settings

MAX_HOURS = 876_000  # a hundred years


@click.command("token")
@click.argument("user")
@click.option(
    "--hours",
    type=click.FloatRange(min=0, min_open=True, max=MAX_HOURS),
    default=24.0,
    show_default=True,
    help="Hours until the token expires.",
)
@explained
def command(user: str, hours: float) -> None:
    """Print a token for USER, signed with the secret of this environment. USER is its `sub`, the owner of rows.

    If tokens are checked with Better Auth's public keys, only Better Auth can sign one.
    """
    settings = load_settings()
    if settings.uses_jwks:
        raise click.ClickException(
            "Better Auth signs the tokens of this environment; sign in there and GET /api/auth/token, or run this"
            " command and the app with JWT_KEYS=secret"
        )
    (key, *_), expected = signing_keys(settings), expected_claims(settings)
    try:
        token = issue_token(user, key, round(hours * 3600), expected)
        verify_token(token, SecretKeys(key), expected)
    except (InvalidToken, ValueError) as error:
        raise click.UsageError(f"a token for this USER and --hours would not be valid ({error}); change them") from None
    click.echo(token)
