"""The authenticated user."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """The user of a request; `id` is the `sub` of the token."""

    id: str
