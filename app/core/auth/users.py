"""The authenticated user."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """The user of a request. `id` is the token's `sub`; no other claim identifies a user."""

    id: str
