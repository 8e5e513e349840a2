"""The pins: what is installed is what they say, and they are renewed and checked by one command."""

import os
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.parts import pins
from tests.parts.checkout import Checkout

PROJECT: Final[dict[str, Any]] = tomllib.loads(pins.PYPROJECT.read_text())
PINS: Final[dict[str, Requirement]] = {
    canonicalize_name(pin.name): pin
    for pin in map(Requirement, pins.pins_in(pins.PYPROJECT.read_text(), pins.INSTALLED))
}


def required() -> Iterator[Requirement]:
    """What the project asks for itself: to run, with its extras, and for its tests."""
    project = PROJECT["project"]
    extras, groups = project["optional-dependencies"].values(), PROJECT["dependency-groups"].values()
    for requirements in (project["dependencies"], *extras, *groups):
        yield from map(Requirement, requirements)


def installed_versions() -> dict[str, str]:
    """The version of each distribution that is installed because the project, or a requirement of it, asks for it."""
    versions: dict[str, str] = {}
    waiting = [(requirement, "") for requirement in required()]
    seen = set()
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        try:
            found = distribution(name)
        except PackageNotFoundError:  # of a group that is not installed
            continue
        versions[name] = found.version
        for wanted in ("", *requirement.extras):
            if (name, wanted) not in seen:
                seen.add((name, wanted))
                waiting += [(Requirement(text), wanted) for text in found.requires or ()]
    return versions


def test_everything_that_is_installed_is_pinned_at_its_version() -> None:
    versions = installed_versions()

    assert {"litestar", "sqlalchemy", "greenlet", "cryptography", "pytest", "redis"} < set(versions)
    assert {name: version for name, version in versions.items() if version not in PINS[name].specifier} == {}


@pytest.mark.parametrize("name", [pins.INSTALLED, pins.BUILT_WITH])
def test_a_pin_is_one_exact_version(name: str) -> None:
    for pin in map(Requirement, pins.pins_in(pins.PYPROJECT.read_text(), name)):
        (version,) = pin.specifier
        assert version.operator == "=="
        assert not version.version.endswith("*")


def test_pins_are_replaced_in_their_list_and_nowhere_else() -> None:
    text = pins.PYPROJECT.read_text()
    empty = pins.with_pins(text, pins.INSTALLED, [])

    assert pins.pins_in(empty, pins.INSTALLED) == []
    assert pins.pins_in(empty, pins.BUILT_WITH) == pins.pins_in(text, pins.BUILT_WITH)
    assert pins.with_pins(empty, pins.INSTALLED, pins.pins_in(text, pins.INSTALLED)) == text


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A copy of this repository."""
    return Checkout(tmp_path / "copy")


def change(checkout: Checkout, old: str, new: str) -> None:
    path = checkout.folder / "pyproject.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


PIN: Final = f'    "h11{PINS["h11"].specifier}",\n'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(PIN, "", f"+{PIN}", id="a package that is not pinned"),
        pytest.param(PIN, f'{PIN}    "left-over==1.0",\n', '-    "left-over==1.0"', id="a pin of nothing"),
        pytest.param(PIN, '    "h11==0.1",\n', "h11", id="a pin that nothing can be installed with"),
    ],
)
def test_the_check_finds(checkout: Checkout, old: str, new: str, said: str) -> None:
    change(checkout, old, new)

    result = checkout.run(".ci/renew", "--check", **os.environ)

    assert result.returncode != 0
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_an_option_that_is_misspelt_renews_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["pins", "--chek"])
    monkeypatch.setattr(pins, "resolved", lambda text: pytest.fail("renewed"))

    with pytest.raises(SystemExit, match="usage: "):
        pins.main()


@pytest.mark.slow
def test_pins_are_renewed_where_they_are_missing_wrong_or_left_over(checkout: Checkout) -> None:
    change(checkout, PIN, '    "h11==0.1",\n    "left-over==1.0",\n')
    change(checkout, '    "anyio==', '    "anyio>')

    checkout.call(".ci/renew", **os.environ)

    checkout.call(".ci/renew", "--check", **os.environ)
    renewed = pins.pins_in((checkout.folder / "pyproject.toml").read_text(), pins.INSTALLED)
    assert {Requirement(pin).name for pin in renewed} == {pin.name for pin in PINS.values()}
    assert checkout.changes in {"", " M pyproject.toml\n"}
