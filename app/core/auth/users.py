"""The caller, as the rest of the program knows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """Who sent the request: `id` is the token's `sub`, the only claim that is an identity."""

    id: str
