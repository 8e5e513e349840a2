"""The kinds of database that a test runs on, and which of them the quick suite leaves out."""

import pytest

from app.testing.kinds import KINDS, kinds_of


@pytest.mark.parametrize(
    ("chosen", "marks", "quick", "slow"),
    [
        pytest.param("all", [], KINDS, (), id="all"),
        pytest.param("both", [], KINDS[:2], (), id="both"),
        pytest.param("restricted", [], ("restricted",), (), id="one"),
        pytest.param("all", [pytest.mark.any_database], ("sqlite",), (), id="any"),
        pytest.param("all", [pytest.mark.hooks_alone], KINDS[:2], (), id="hooks"),
        pytest.param("all", [pytest.mark.quick_on("postgres")], ("postgres",), ("sqlite", "restricted"), id="quick"),
        pytest.param("all", [pytest.mark.quick_on(*KINDS[:2])], KINDS[:2], ("restricted",), id="quick on two"),
        pytest.param("both", [pytest.mark.quick_on("restricted")], ("sqlite",), ("postgres",), id="quick on another"),
    ],
)
def test_a_test_runs_on_these_kinds(
    request: pytest.FixtureRequest,
    chosen: str,
    marks: list[pytest.MarkDecorator],
    quick: tuple[str, ...],
    slow: tuple[str, ...],
) -> None:
    for mark in marks:
        request.node.add_marker(mark)

    kinds = kinds_of(request.node, chosen)

    assert tuple(kind.values[0] for kind in kinds if not kind.marks) == quick
    assert tuple(kind.values[0] for kind in kinds if kind.marks) == slow
