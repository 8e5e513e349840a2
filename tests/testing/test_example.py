"""The example in the kit's docstring, executed to the letter: pytest finds its tests here."""

from textwrap import dedent

import app.testing

EXAMPLE = dedent(
    "\n".join(line for line in (app.testing.__doc__ or "").splitlines() if line.startswith("    ") or not line)
)

exec(compile(EXAMPLE, "<app.testing>", "exec"))  # noqa: S102  # our own text


def test_the_example_is_there() -> None:
    names = [name for name in globals() if name.startswith("test_")]

    assert names == ["test_a_list_is_one_query", "test_a_task_is_private", "test_the_example_is_there"]
