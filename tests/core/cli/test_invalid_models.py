"""A mistake in a `models.py` ends every command that needs the models with one sentence, and not with a traceback."""

import sys
from pathlib import Path

import pytest

from tests.parts.checkout import Checkout

MODELS = "app/tasks/models.py"
TABLE = '    __tablename__ = "tasks"\n'
IMPORT = "from app.core.data.tables import "
MISTAKES = {
    "an index on a field that is gone": (
        [(TABLE, f'{TABLE}    __indexes__ = (index("due_at"),)\n'), (IMPORT, f"{IMPORT}index, ")],
        "Task.__indexes__: index('due_at') names no field of the class; its fields are id, user_id, title, ",
    ),
    "a type without a column": (
        [
            ("completed: bool = flag(", 'kind: Literal["a", "b"]\n    completed: bool = flag('),
            (IMPORT, f"{{}}{IMPORT}"),
        ],
        "Task.kind: no column type fits typing.Literal['a', 'b']; declare an Enum with choice(), or",
    ),
    "a reference to a table that there is not": (
        [('"projects"', '"projets"')],
        "Task.project_id: ref() names 'projets', which is not a table; the tables are projects, tasks.",
    ),
    "a wrong declaration": (
        [("max_length=200, ", "")],
        "TaskFields.title: text() needs a length; write max_length=200, or use long_text().",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_models_is_one_sentence(tmp_path: Path, mistake: str) -> None:
    checkout = Checkout(tmp_path)
    path = checkout.folder / MODELS
    text = path.read_text()
    for old, new in MISTAKES[mistake][0]:
        assert old in text
        text = text.replace(old, new.format("from typing import Literal\n\n"), 1)
    path.write_text(text)

    for command in (("makemigrations", "--check"), ("startapp", "notes"), ("routes",), ("schema",)):
        result = checkout.run(sys.executable, "-m", "app", *command)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.startswith(f"Error: {MISTAKES[mistake][1]}")
        assert result.stderr.count("\n") == 1
