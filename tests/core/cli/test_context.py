"""The context of the commands: imported late, and filled from the nouns."""

import pytest

from app.context import CONTEXT
from app.core.data.tables.owned import Owned
from app.core.data.transfer.factories import factory_of
from app.installed import INSTALLED
from tests.core.cli.conftest import Invoke


def test_every_noun_has_a_factory_after_the_factories_are_loaded() -> None:
    CONTEXT.load_factories()

    for controller in INSTALLED:
        assert factory_of(controller.model).__model__ is controller.model


def test_a_table_without_a_factory_is_named() -> None:
    with pytest.raises(LookupError, match="Owned has no factory"):
        factory_of(Owned)


@pytest.mark.parametrize("command", ["dumpdata", "shell", "seed"])
def test_a_noun_not_installed_is_one_line(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    def refuse() -> None:
        raise RuntimeError("Add to INSTALLED in app/installed.py, or remove: ghosts")

    monkeypatch.setattr("app.context.refuse_unlisted", refuse)
    result = invoke(command)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: Add to INSTALLED in app/installed.py, or remove: ghosts\n"
