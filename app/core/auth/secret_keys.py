"""The secrets that HS256 tokens are signed with: Better Auth's, or in development one of our own making."""

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
    """Shared secrets, any of which may have signed a token. HS256 and nothing else; a `kid` says nothing here."""

    def __init__(self, *secrets: bytes) -> None:
        self._keys = tuple(map(_as_jwk, secrets))

    def candidates(self, algorithm: str, key_id: object) -> Sequence[jwt.PyJWK]:
        """Return all of them.

        Raises:
            InvalidToken: the token is not signed with a secret.
        """
        if algorithm != ALGORITHM:
            raise InvalidToken("alg_not_allowed", algorithm)
        return self._keys


def signing_keys(settings: Settings) -> tuple[bytes, ...]:
    """Return the HS256 keys, of which the first one signs: the UTF-8 bytes of the secrets, never decoded or trimmed.

    Without a secret (which only development allows, see `Settings`) one is made once and kept in `.data/secret`.

    Raises:
        InvalidSettings: there is none, and none can be kept, or what is kept is none, or it is no secret.
    """
    keys = tuple(secret.encode() for secret in settings.secrets) or (_development_secret(DATA_DIR / "secret"),)
    for key in keys:
        _reject_public_key(key)
    return keys


def _as_jwk(secret: bytes) -> jwt.PyJWK:
    return jwt.PyJWK({"kty": "oct", "k": urlsafe_b64encode(secret).decode()}, ALGORITHM)


def _reject_public_key(key: bytes) -> None:
    """PyJWT verifies nothing with a secret that is really a public key: better to hear of it at the start."""
    try:
        jwt.get_algorithm_by_name(ALGORITHM).prepare_key(key)
    except jwt.InvalidKeyError:
        raise InvalidSettings(
            "BETTER_AUTH_SECRET is a public key or a certificate; for tokens that are signed with a key of their own"
            " set BETTER_AUTH_URL instead"
        ) from None


def _development_secret(path: Path) -> bytes:
    try:
        secret = _read_or_create_secret(path)
    except OSError as error:
        raise InvalidSettings(f"BETTER_AUTH_SECRET is not set, and {path} cannot be used: {error.strerror}") from None
    if len(secret) < MIN_SECRET_LENGTH:
        raise InvalidSettings(f"{path} holds no secret; remove it to have one made, or set BETTER_AUTH_SECRET")
    return secret


def _read_or_create_secret(path: Path) -> bytes:
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Written under another name (0600) first: whoever finds the file, at the same moment too, finds it complete.
        with NamedTemporaryFile(dir=path.parent) as file:
            file.write(secrets.token_urlsafe(32).encode())
            file.flush()
            with suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_bytes()
