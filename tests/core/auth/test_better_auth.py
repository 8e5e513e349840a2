"""What Better Auth's URL says, read as Better Auth reads it."""

import pytest

from app.core.auth.better_auth import expected_claims, jwks_url
from app.core.auth.tokens import ANY_ISSUER_AND_AUDIENCE, ExpectedClaims
from app.settings import Settings
from app.testing.databases import settings_for_tests


def settings_with(**changes: object) -> Settings:
    return settings_for_tests("sqlite://", **{"better_auth_secret": None, **changes})


@pytest.mark.parametrize(
    ("url", "keys", "origin"),
    [
        ("https://app.example", "https://app.example/api/auth/jwks", "https://app.example"),
        ("https://app.example/", "https://app.example/api/auth/jwks", "https://app.example"),
        ("http://localhost:3000", "http://localhost:3000/api/auth/jwks", "http://localhost:3000"),
        ("https://app.example/auth", "https://app.example/auth/jwks", "https://app.example"),
        ("https://app.example/api/auth/", "https://app.example/api/auth/jwks", "https://app.example"),
        ("HTTPS://App.Example:443", "HTTPS://App.Example:443/api/auth/jwks", "https://app.example"),
        ("http://app.example:80", "http://app.example:80/api/auth/jwks", "http://app.example"),
        ("https://app.example:80", "https://app.example:80/api/auth/jwks", "https://app.example:80"),
        ("http://[::1]:3000", "http://[::1]:3000/api/auth/jwks", "http://[::1]:3000"),
        ("http://[::1]", "http://[::1]/api/auth/jwks", "http://[::1]"),
    ],
)
def test_the_url_alone_says_where_the_keys_are_and_for_whom_tokens_are(url: str, keys: str, origin: str) -> None:
    settings = settings_with(better_auth_url=url)

    assert jwks_url(settings) == keys
    assert expected_claims(settings) == ExpectedClaims(origin, origin)


def test_each_of_the_three_can_be_another() -> None:
    settings = settings_with(
        better_auth_url="https://app.example",
        better_auth_jwks_url="https://k.example",
        jwt_issuer="i",
        jwt_audience="a",
    )

    assert jwks_url(settings) == "https://k.example"
    assert expected_claims(settings) == ExpectedClaims("i", "a")


def test_without_a_url_only_what_is_set_is_expected() -> None:
    settings = settings_with(better_auth_jwks_url="https://k.example", jwt_audience="a")

    assert jwks_url(settings) == "https://k.example"
    assert expected_claims(settings) == ExpectedClaims(None, "a")


def test_with_a_secret_the_url_says_nothing() -> None:
    secret = "a secret that is long enough for anybody"
    settings = settings_with(better_auth_secret=secret, better_auth_url="https://app.example", jwt_keys="secret")

    assert expected_claims(settings) == ANY_ISSUER_AND_AUDIENCE
    assert expected_claims(settings.model_copy(update={"jwt_issuer": "i"})) == ExpectedClaims("i", None)
