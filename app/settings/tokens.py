"""The settings for tokens. Production refuses weak secrets, and keys over http."""

import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, SecretStr, field_validator, model_validator

from app.settings.env_file import EnvFileSettings
from app.settings.formats import check_secret, check_url, is_unencrypted, is_weak_secret, to_lower_case


class TokenSettings(EnvFileSettings):
    """The environment, the keys and the claims of tokens."""

    app_env: Annotated[Literal["development", "production"], BeforeValidator(to_lower_case)] = "development"

    better_auth_secret: SecretStr | None = None
    better_auth_secrets: SecretStr | None = None
    better_auth_url: str | None = None
    better_auth_jwks_url: str | None = None
    jwks_over_http: bool = False
    jwt_keys: Annotated[Literal["secret", "jwks"] | None, BeforeValidator(to_lower_case)] = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None

    @field_validator("better_auth_secret")
    @classmethod
    def _check_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            check_secret(secret.get_secret_value())
        return secret

    @field_validator("better_auth_secrets")
    @classmethod
    def _check_versioned_secrets(cls, secrets: SecretStr | None) -> SecretStr | None:
        versions = [version for version, _ in _parse_versions(secrets)]
        if not all(re.fullmatch(r"[0-9]{1,9}", version) for version in versions):
            raise ValueError(
                "is not a list like 2:new-secret,1:old-secret; write it in that format, which is Better Auth's"
            )
        if len(set(map(int, versions))) < len(versions):
            raise ValueError("has two secrets with the same version; number each secret differently")
        for _, secret in _parse_versions(secrets):
            check_secret(secret)
        return secrets

    @field_validator("better_auth_url", "better_auth_jwks_url")
    @classmethod
    def _check_url(cls, url: str | None) -> str | None:
        if url is not None:
            check_url(url)
        return url

    @field_validator("better_auth_url")
    @classmethod
    def _check_base_url(cls, url: str | None) -> str | None:
        if url is not None and "?" in url:
            raise ValueError("has a query; set the base URL of Better Auth, without a query")
        return url

    @field_validator("jwt_issuer", "jwt_audience")
    @classmethod
    def _check_claim(cls, claim: str | None) -> str | None:
        if claim is not None and (claim != claim.strip() or not claim.isprintable()):
            raise ValueError("has whitespace at an end or a control character; it is compared exactly, so remove it")
        return claim

    @model_validator(mode="after")
    def _check_key_mode(self) -> Self:
        if self.jwt_keys is None and self.uses_jwks and self.secrets:
            raise ValueError(
                "BETTER_AUTH_SECRET and BETTER_AUTH_URL are both set; add JWT_KEYS=jwks if Better Auth's jwt plugin"
                " signs the tokens, or JWT_KEYS=secret if they are signed with the secret (HS256)"
            )
        if self.jwt_keys == "jwks" and not self.uses_jwks:
            raise ValueError("JWT_KEYS is jwks, but the URL of the keys is not set; set BETTER_AUTH_URL")
        if self.uses_jwks and not (self.better_auth_url or self.jwt_audience):
            raise ValueError(
                "JWT_AUDIENCE is required with BETTER_AUTH_JWKS_URL; set it to the `aud` of the tokens, or set"
                " BETTER_AUTH_URL, which is the default audience"
            )
        return self

    @model_validator(mode="after")
    def _check_production(self) -> Self:
        if self.is_production and self.uses_jwks:
            self._require_https_for_keys()
        elif self.is_production:
            if not self.secrets:
                raise ValueError(
                    "BETTER_AUTH_SECRET is required in production; set the secret that signs the tokens, or set"
                    " BETTER_AUTH_URL if Better Auth publishes its keys (jwt plugin)"
                )
            if any(map(is_weak_secret, self.secrets)):
                name = "BETTER_AUTH_SECRETS" if self.better_auth_secrets else "BETTER_AUTH_SECRET"
                raise ValueError(
                    f"{name} looks like an example or a pattern; `openssl rand -base64 32` makes a random secret"
                )
        return self

    def _require_https_for_keys(self) -> None:
        if self.better_auth_jwks_url is None and is_unencrypted(self.better_auth_url or ""):
            raise ValueError(
                "BETTER_AUTH_URL is http in production, so an attacker on the network could replace the keys; use"
                " https, or set BETTER_AUTH_JWKS_URL to a URL in a private network"
            )
        if is_unencrypted(self.better_auth_jwks_url or "") and not self.jwks_over_http:
            raise ValueError(
                "BETTER_AUTH_JWKS_URL is http in production, so an attacker on the network could replace the keys; use"
                " https, or set JWKS_OVER_HTTP=true if the network is private"
            )

    @property
    def is_production(self) -> bool:
        return self.app_env == "production"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The HS256 secrets; the first one signs. BETTER_AUTH_SECRETS replaces BETTER_AUTH_SECRET."""
        if self.better_auth_secrets:
            return tuple(secret for _, secret in _parse_versions(self.better_auth_secrets))
        return (self.better_auth_secret.get_secret_value(),) if self.better_auth_secret else ()

    @property
    def uses_jwks(self) -> bool:
        return self.jwt_keys != "secret" and bool(self.better_auth_url or self.better_auth_jwks_url)


def _parse_versions(secrets: SecretStr | None) -> list[tuple[str, str]]:
    # Parsed as Better Auth does.
    entries = secrets.get_secret_value().split(",") if secrets else []
    parts = (entry.strip().partition(":") for entry in entries)
    return [(version.strip(), secret.strip()) for version, _, secret in parts]
