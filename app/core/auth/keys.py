"""The key that tokens are signed with: Better Auth's secret, or in development one of our own making."""

import os
import secrets
from pathlib import Path

from app.settings import DATA_DIR, Settings


def signing_key(settings: Settings) -> bytes:
    """Return the HS256 key: the UTF-8 bytes of BETTER_AUTH_SECRET, never decoded or trimmed.

    Without a secret (which only development allows, see `Settings`) one is made once and kept in `.data/secret`.
    """
    if settings.better_auth_secret is not None:
        return settings.better_auth_secret.get_secret_value().encode()
    return _kept_secret(DATA_DIR / "secret")


def _kept_secret(path: Path) -> bytes:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_urlsafe(32).encode())
    return path.read_bytes()
