"""The HS256 secrets: Better Auth's or, in development, a generated one."""

import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import jwt

from app.core.auth.tokens import ALGORITHM, InvalidToken
from app.settings import DATA_DIR, InvalidSettings, Settings
from app.settings.formats import MIN_SECRET_LENGTH


class SecretKeys:
    """Verification with shared secrets: HS256 only, and `kid` is ignored."""

    def __init__(self, *secrets: bytes) -> None:
        self._keys = tuple(map(_as_jwk, secrets))

    def candidates(self, algorithm: str, key_id: object) -> Sequence[jwt.PyJWK]:
        if algorithm != ALGORITHM:
            raise InvalidToken("alg_not_allowed", algorithm)
        return self._keys


def signing_keys(settings: Settings) -> tuple[bytes, ...]:
    """Return the HS256 keys; the first one signs. Without a secret, one is generated and stored in `.data/secret`.

    Raises:
        InvalidSettings: a secret is a public key, or the generated secret cannot be stored or is too short.
    """
    # A key is the UTF-8 bytes of a secret, as in Better Auth: not decoded and not trimmed.
    keys = tuple(secret.encode() for secret in settings.secrets) or (_development_secret(DATA_DIR / "secret"),)
    for key in keys:
        _reject_public_key(key)
    return keys


def _as_jwk(secret: bytes) -> jwt.PyJWK:
    return jwt.PyJWK({"kty": "oct", "k": urlsafe_b64encode(secret).decode()}, ALGORITHM)


def _reject_public_key(key: bytes) -> None:
    # PyJWT refuses such a key when it verifies, so every request would fail. Fail at startup instead.
    try:
        jwt.get_algorithm_by_name(ALGORITHM).prepare_key(key)
    except jwt.InvalidKeyError:
        raise InvalidSettings(
            "BETTER_AUTH_SECRET is a public key or a certificate; if tokens are signed with a private key, set"
            " BETTER_AUTH_URL instead"
        ) from None


def _development_secret(path: Path) -> bytes:
    try:
        secret = _read_or_create_secret(path)
    except OSError as error:
        raise InvalidSettings(f"BETTER_AUTH_SECRET is not set, and {path} cannot be used: {error.strerror}") from None
    if len(secret) < MIN_SECRET_LENGTH:
        raise InvalidSettings(
            f"{path} holds no valid secret; remove the file to generate a new one, or set BETTER_AUTH_SECRET"
        )
    return secret


def _read_or_create_secret(path: Path) -> bytes:
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Write a temporary file (0600), then link it: another process that starts now never reads half a secret.
        with NamedTemporaryFile(dir=path.parent) as file:
            file.write(secrets.token_urlsafe(32).encode())
            file.flush()
            with suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_bytes()
