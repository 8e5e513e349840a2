"""The project's own tests know no noun by heart: they pass with nouns that were added, and leave with them."""

from pathlib import Path
from typing import Final

import pytest

from tests.parts.checkout import Checkout

# Every type, required and optional; names that tests, SQL or field functions have for something else; two references;
# and a plural that is no -s.
NOUNS: Final = (
    "people name:str born:date? text:text number:float? uuid:uuid day:date done:bool?",
    "recipes title:str:120 servings:int notes:text? vegan:bool cooked_at:datetime?",
    "orders group:str? select:text? user:str date:date default:bool size:int? at:datetime score:float token:uuid? "
    "person:ref project:ref?",
)
# The tests that sweep over what is installed; the others are about parts that know no noun.
TESTS: Final = (
    *("tests/laws", "tests/test_contract.py", "tests/test_asgi.py", "tests/test_cost.py"),
    *("tests/core/http/resource", "tests/core/http/body", "tests/core/data/tables", "tests/core/data/repository"),
    *("tests/core/data/ownership", "tests/core/data/transfer/test_dumps.py"),
    "tests/core/data/transfer/test_account.py",
)
TEN_MINUTES: Final = 600  # seconds


@pytest.mark.slow
def test_what_sweeps_over_nouns_passes_with_added_ones_and_no_trace_is_left(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "grown")
    nouns = [words.split() for words in NOUNS]
    added = [f"tests/{name}" for name, *_ in nouns]

    for words in nouns:
        checkout.python("app", "startapp", *words)
    for checked in (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)):
        checkout.python(*checked)
    checkout.patience = TEN_MINUTES
    checkout.python("pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "--db", "sqlite", *TESTS, *added)

    for name, *_ in reversed(nouns):
        checkout.python("app", "startapp", name, "--remove", "--yes")
    assert checkout.changes == ""
