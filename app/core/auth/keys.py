"""The key that tokens are signed with: Better Auth's secret, or in development one of our own making."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from app.settings import DATA_DIR, MIN_SECRET_LENGTH, InvalidSettings, Settings


def signing_key(settings: Settings) -> bytes:
    """Return the HS256 key: the UTF-8 bytes of BETTER_AUTH_SECRET, never decoded or trimmed.

    Without a secret (which only development allows, see `Settings`) one is made once and kept in `.data/secret`.

    Raises:
        InvalidSettings: there is none, and none can be kept, or what is kept is none.
    """
    if settings.better_auth_secret is not None:
        return settings.better_auth_secret.get_secret_value().encode()
    path = DATA_DIR / "secret"
    try:
        secret = _kept_secret(path)
    except OSError as error:
        raise InvalidSettings(f"BETTER_AUTH_SECRET is not set, and {path} cannot be used: {error.strerror}") from None
    if len(secret) < MIN_SECRET_LENGTH:
        raise InvalidSettings(f"{path} holds no secret; remove it to have one made, or set BETTER_AUTH_SECRET")
    return secret


def _kept_secret(path: Path) -> bytes:
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Written under another name (0600) first: whoever finds the file, at the same moment too, finds it complete.
        with NamedTemporaryFile(dir=path.parent) as file:
            file.write(secrets.token_urlsafe(32).encode())
            file.flush()
            with suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_bytes()
