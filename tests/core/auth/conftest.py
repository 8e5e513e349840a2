"""A clock that stands still, and an issuer of tokens."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.parts.issuer import Issuer, serving_issuer
from tests.parts.signing import NOW


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be NOW, so that "exactly now" can be said."""
    for module in ("tokens", "verifier"):
        monkeypatch.setattr(f"app.core.auth.{module}.time", SimpleNamespace(time=lambda: NOW))


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer on this machine, with one key."""
    with serving_issuer() as issuer:
        yield issuer
