"""`app startapp`: it refuses what cannot work and then writes nothing; what it writes works without a touch."""

import sys
from pathlib import Path

import pytest

from app.settings import BASE_DIR
from tests.core.cli.conftest import Invoke
from tests.parts.checkout import Checkout

GIVEN_SIZE = """
from app.core.data.ownership.session import AppSession
from app.orders.factories import OrderFactory


async def test_a_size_is_a_field(db: AppSession) -> None:
    assert (await OrderFactory.create_async(user_id="alice", size=7)).size == 7
"""


def files() -> dict[str, int]:
    paths = (path for top in ("app", "migrations", "tests") for path in (BASE_DIR / top).rglob("*.py"))
    return {str(path): path.stat().st_mtime_ns for path in paths}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("projects", "the table 'projects' exists already"),
        ("settings", "app/settings exists already"),
        ("core --singular one", "app/core exists already"),
        ("pg_notes", "begins like the database's own tables"),
        ("old --singular old_note", "'old' is the name of a row in triggers"),
        ("Notes", "'Notes' is not a name"),
        ("line-items", "'line-items' is not a name"),
        ("../notes", "'../notes' is not a name"),
        ("täglichs", "'täglichs' is not a name"),
        ("n" * 40 + "s", "is not a name; write 1 to 40 of a-z"),
        ("tasks", "the table 'tasks' exists already"),
        ("notes --singular class", "'class' is a Python keyword"),
        ("classes", "'class' is a Python keyword"),
        ("nones", "'None' is a Python keyword; choose another singular"),
        ("note", "the singular of 'note' is not clear; give it with --singular"),
        ("news", "the singular of 'news' is not clear"),
        ("rows", "the class 'RowFactory' exists already; choose another singular"),
        ("resources", "the class 'ResourceController' exists already"),
        ("jobs --singular task", "the class 'Task' exists already"),
        ("task_updates", "the class 'TaskUpdate' exists already"),
        ("problems", "the class 'Problem' exists already"),
        ("notes title", "'title' is not a field; write name:type"),
        ("notes title:", "'title:' is not a field"),
        ("notes title:str:", "'title:str:' is not a field"),
        ("notes title:str:9:9", "is not a field"),
        ("notes title:varchar", "has an unknown type; the types are str, text"),
        ("notes title:str:0", "cannot have this length; lengths are for str (1 to 10000) and text (1 to 1000000)"),
        ("notes title:str:10001", "cannot have this length; lengths are for str (1 to 10000)"),
        ("notes body:text:1000001", "cannot have this length; lengths are for str (1 to 10000)"),
        ("notes stars:int:5", "cannot have this length; lengths are for str (1 to 10000)"),
        ("notes state:choice", "'state:choice' needs values of a-z, 0-9 and _, like"),
        ("notes state:choice:", "'state:choice:' is not a field"),
        ("notes state:choice:open,", "needs values of a-z, 0-9 and _, like state:choice:open,done."),
        ("notes state:ranked:Open,done", "needs values of a-z, 0-9 and _"),
        ("notes state:ranked:1st,2nd", "needs values of a-z, 0-9 and _"),
        ("notes state:choice:open,open", "names a value twice; leave one out."),
        ("notes update:choice:a,b", "a choice needs a class of its own, and 'NoteUpdate' is another one; rename the"),
        (f"notes {'s' * 40}:choice:a --singular {'n' * 40}", "has a long name; choose a shorter one for it."),
        ("notes price:decimal", "'price:decimal' needs its fraction digits, 0 to 6; write price:decimal:2."),
        ("notes price:decimal:7", "needs its fraction digits, 0 to 6"),
        ("notes mail:email:9", "cannot have this length; lengths are for str"),
        ("notes extra:json:9", "cannot have this length; lengths are for str"),
        ("notes json:json", "'json' has a meaning in pydantic"),
        ("notes owner:ref", "'owner:ref' does not name an installed noun; the references are: "),
        ("notes note:ref", "'note:ref' does not name an installed noun"),
        ("notes id:int", "every noun has the field 'id' already"),
        ("notes user_id:str", "every noun has the field 'user_id' already"),
        ("notes created_at:datetime", "every noun has the field 'created_at' already"),
        ("notes registry:str", "'registry' has a meaning in SQLAlchemy; choose another name, like note_registry"),
        ("notes model_year:int", "'model_year' has a meaning in pydantic"),
        ("notes metadata:text", "'metadata' has a meaning in pydantic"),
        ("notes copy:bool", "'copy' has a meaning in pydantic"),
        ("notes read_only:bool", "'read_only' has a meaning in pydantic, SQLModel or the schemas"),
        ("notes xmin:int", "'xmin' is a column of every PostgreSQL table; choose another name, like note_xmin"),
        ("notes true:bool", "'true' is a constant in SQLite"),
        ("notes class:str", "'class' is a Python keyword"),
        ("notes Title:str", "'Title' is not a name"),
        ("notes _title:str", "'_title' is not a name"),
        ("notes title:str title:text", "the field 'title' is given twice"),
        ("notes project_id:int project:ref", "the field 'project_id' is given twice"),
        ("probes bool:bool", "'bool' is a type that the fields use; choose another name"),
        ("probes bool:str done:bool", "'bool' is a type that the fields use"),
        ("ghosts --remove", "there is no noun 'ghosts'; app/installed.py lists the nouns"),
        ("projects --remove", " refers to projects; remove "),
        ("tasks --remove", "is newer than the migration of tasks"),
    ],
)
def test_what_cannot_work_is_one_sentence_and_nothing_is_written(invoke: Invoke, arguments: str, sentence: str) -> None:
    before = files()

    result = invoke("startapp", *arguments.split(" "))

    assert result.exit_code in {1, 2}
    assert sentence in result.stderr.splitlines()[-1]
    assert files() == before


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A copy of this repository, under version control."""
    return Checkout(tmp_path)


def test_a_failure_half_way_leaves_nothing_behind(checkout: Checkout) -> None:
    broken = checkout.folder / "migrations" / "script.py.mako"
    broken.write_text(broken.read_text() + "\n${no_such_name}\n")
    before = checkout.changes

    result = checkout.run(sys.executable, "-m", "app", "startapp", "notes")

    assert result.returncode == 1
    assert checkout.changes == before


@pytest.mark.slow
def test_two_nouns_work_as_they_are_written_and_leave_without_a_trace(checkout: Checkout) -> None:
    checkout.python(
        *("app", "startapp", "shelves", "--singular", "shelf", "name:str:50", "opened:date", "height:float?"),
        *("extra:json", "more:json?", "mail:email", "page:url?"),
    )
    checkout.python(
        *("app", "startapp", "library_books", "title:str", "text:text?", "lent:bool", "due:datetime?", "pages:int"),
        *("isbn:uuid?", "shelf:ref", "project:ref?", "state:choice:lent,lost?", "rank:ranked:low,normal,high"),
        *("price:decimal:2", "cost:decimal:6?"),
    )
    for words in (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)):
        checkout.python(*words)
    checkout.python("app", "makemigrations", "--check")
    checkout.python("app", "migrate")
    tested = (f"tests/{part}" for part in ("test_contract.py", "test_cost.py", "core/http", "shelves"))
    checkout.python("pytest", "-n0", "-q", "-k", "shelves or library_books", "--db", "both", *tested)

    refused = checkout.run(sys.executable, "-m", "app", "startapp", "shelves", "--remove", "--yes")
    assert "library_books refers to shelves" in refused.stderr
    for noun in ("library_books", "shelves"):
        checkout.python("app", "startapp", noun, "--remove", "--yes")
    assert checkout.changes == ""
    checkout.python("app", "makemigrations", "--check")
    assert checkout.python("app", "migrate") == "nothing to apply\n"


@pytest.mark.slow
def test_what_an_author_would_type_needs_no_other_name(checkout: Checkout) -> None:
    nouns = ("orders", "transactions", "people", "categories", "boxes")
    checkout.python("app", "startapp", "orders", "group:str", "user:str", "default:bool", "date:date?", "size:int")
    for noun in nouns[1:]:
        checkout.python("app", "startapp", noun, "select:text?", "order:ref")
    for checked in ("ruff check .", "ruff format --check .", "mypy app tests/people"):
        checkout.python(*checked.split())
    for called in ("migrate", "makemigrations --check", "seed --per-user 2", "check"):
        checkout.python("app", *called.split())
    (checkout.folder / "tests" / "orders" / "test_factories.py").write_text(GIVEN_SIZE)
    tested = ("tests/test_contract.py", *(f"tests/{noun}" for noun in nouns))
    checkout.python("pytest", "-n0", "-q", "-k", "orders or people or test_factories", "--db", "both", *tested)

    for noun in reversed(nouns):
        checkout.python("app", "startapp", noun, "--remove", "--yes")
    assert checkout.changes == ""
