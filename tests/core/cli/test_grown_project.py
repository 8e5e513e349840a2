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
# These know no noun: they test protocols and tokens, and measure times, which two suites at once would disturb.
WITHOUT_NOUNS: Final = ("tests/core/ops/server", "tests/core/auth", "tests/core/http/rate_limit", "tests/faults")
TEN_MINUTES: Final = 600  # seconds


@pytest.mark.slow
def test_the_quick_tests_pass_with_added_nouns_and_no_trace_is_left(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "grown")
    nouns = [words.split() for words in NOUNS]

    for words in nouns:
        checkout.python("app", "startapp", *words)
    for checked in (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)):
        checkout.python(*checked)
    checkout.patience = TEN_MINUTES
    checkout.python(
        "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *(f"--ignore={tests}" for tests in WITHOUT_NOUNS)
    )

    for name, *_ in reversed(nouns):
        checkout.python("app", "startapp", name, "--remove", "--yes")
    assert checkout.changes == ""
