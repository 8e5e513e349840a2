"""The house obeys its laws, and each law can be broken."""

import subprocess
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from app.installed import installed_packages, refuse_unlisted
from app.settings import BASE_DIR
from tests.laws import checks
from tests.laws.checks import APP_LAWS, REPOSITORY_LAWS, Law

APP_FILES = sorted((BASE_DIR / "app").rglob("*.py"))
DOCUMENTED = '"""A module."""\n'


def broken(law: Law, files: list[Path]) -> list[str]:
    return [v for file in files for v in law(file.relative_to(BASE_DIR).as_posix(), file.read_text(errors="replace"))]


def tracked_files() -> list[Path]:
    if not (BASE_DIR / ".git").exists():
        pytest.skip("not a checkout: nothing says which files belong to the repository")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=BASE_DIR, capture_output=True, check=True).stdout.decode()  # noqa: S607
    return [path for name in listed.split("\0") if name and (path := BASE_DIR / name).is_file()]


@pytest.mark.parametrize("law", APP_LAWS, ids=lambda law: law.__name__)
def test_the_app_obeys(law: Law) -> None:
    assert len(APP_FILES) > 30
    assert broken(law, APP_FILES) == []


@pytest.mark.parametrize("law", REPOSITORY_LAWS, ids=lambda law: law.__name__)
def test_the_repository_obeys(law: Law) -> None:
    assert broken(law, tracked_files()) == []


@pytest.mark.parametrize(
    ("law", "path", "source"),
    [
        (checks.imports_go_one_way, "app/settings/x.py", "from app.core.data.connection.engine import make_engine"),
        (checks.imports_go_one_way, "app/core/data/x.py", "from app.core.auth.users import User"),
        (checks.imports_go_one_way, "app/core/data/x.py", "from app.core import auth"),
        (checks.imports_go_one_way, "app/core/auth/x.py", "import app.core.data.ownership.session"),
        (checks.imports_go_one_way, "app/core/auth/x.py", "from ..data.session import AppSession"),
        (checks.imports_go_one_way, "app/core/auth/__init__.py", "from ..data import session"),
        (checks.imports_go_one_way, "app/core/data/x.py", "from app.core.http.exception_handlers import Problem"),
        (checks.imports_go_one_way, "app/core/http/x.py", "from app.core.ops.health import ready"),
        (checks.imports_go_one_way, "app/core/ops/x.py", "from app.core.cli.run import command"),
        (checks.imports_go_one_way, "app/core/http/x.py", "from app.tasks.models import Task"),
        (checks.imports_go_one_way, "app/core/cli/x.py", "from app.installed import INSTALLED"),
        (checks.imports_go_one_way, "app/core/cli/x.py", "from app import asgi"),
        (checks.imports_go_one_way, "app/core/http/x.py", "from app.batteries.outbox.models import Message"),
        (checks.imports_go_one_way, "app/batteries/outbox/models.py", "from app.tasks.models import Task"),
        (checks.imports_go_one_way, "app/batteries/outbox/models.py", "from app.testing.factories import RowFactory"),
        (checks.imports_go_one_way, "app/core/cli/x.py", "def run():\n    from app.asgi import create_app"),
        (checks.imports_go_one_way, "app/core/x.py", "from app.core.data.errors import DataError"),
        (checks.imports_go_one_way, "app/tasks/x.py", "from app.installed import INSTALLED"),
        (checks.imports_go_one_way, "app/tasks/models.py", "from app.testing.factories import RowFactory"),
        (checks.imports_go_one_way, "app/asgi.py", "from app.testing.clients import Client"),
        (checks.imports_go_one_way, "app/installed.py", "from app.asgi import create_app"),
        (checks.imports_go_one_way, "app/core/cli/x.py", "from app.context import CONTEXT"),
        (checks.imports_go_one_way, "app/asgi.py", "from app.context import CONTEXT"),
        (checks.imports_go_one_way, "app/installed.py", "from app.tasks.factories import TaskFactory"),
        (checks.imports_go_one_way, "app/tasks/controllers.py", "from app.tasks import factories"),
        (checks.imports_go_one_way, "app/__main__.py", "from app.core.cli.run import command"),
        (
            checks.imports_go_one_way_inside_a_room,
            "app/core/data/tables/x.py",
            "from app.core.data.ownership.session import AppSession",
        ),
        (
            checks.imports_go_one_way_inside_a_room,
            "app/core/data/schema/x.py",
            "from app.core.data.ownership.session import AppSession",
        ),
        (checks.imports_go_one_way_inside_a_room, "app/core/data/errors.py", "from app.core.data.tables import fields"),
        (checks.imports_go_one_way_inside_a_room, "app/core/data/other/x.py", ""),
        (
            checks.imports_go_one_way_inside_a_room,
            "app/core/http/edge/x.py",
            "from app.core.http.exception_handlers import handlers",
        ),
        (checks.nouns_share_models_only, "app/tasks/x.py", "from app.projects.schemas import ProjectCreate"),
        (checks.nouns_share_models_only, "app/tasks/x.py", "from app.projects import controllers"),
        (checks.nouns_share_models_only, "app/tasks/x.py", "from app import projects"),
        (checks.nouns_share_models_only, "app/tasks/x.py", "from ..projects import controllers"),
        (checks.imports_stand_at_the_top, "app/x.py", "def f():\n    import json"),
        (checks.imports_stand_at_the_top, "app/x.py", "class A:\n    from json import loads"),
        (checks.imports_stand_at_the_top, "app/x.py", "if True:\n    import json"),
        (checks.imports_stand_at_the_top, "app/x.py", "if TYPE_CHECKING:\n    pass\nelse:\n    import json"),
        (checks.imports_stand_at_the_top, "app/x.py", "try:\n    import json\nexcept ImportError:\n    pass"),
        (checks.imports_stand_at_the_top, "app/x.py", "def f():\n    if find_spec('x'):\n        import json"),
        (checks.imports_stand_at_the_top, "app/x.py", "if find_spec('x') and ready():\n    import json"),
        (checks.imports_are_statements, "app/x.py", "importlib.import_module('app.asgi')"),
        (checks.imports_are_statements, "app/x.py", "from importlib import import_module\nimport_module('app.asgi')"),
        (checks.imports_are_statements, "app/x.py", "__import__('app.asgi')"),
        (checks.imports_are_statements, "app/x.py", "load = pkgutil.resolve_name"),
        (checks.nouns_leave_sessions_alone, "app/tasks/x.py", "sa.text('SELECT 1')"),
        (checks.nouns_leave_sessions_alone, "app/tasks/x.py", "Task.__table__"),
        (checks.nouns_leave_sessions_alone, "app/tasks/x.py", "await session.commit()"),
        (checks.nouns_leave_sessions_alone, "app/tasks/x.py", "session: AsyncSession"),
        (checks.nouns_leave_sessions_alone, "app/tasks/x.py", "from sqlalchemy import text as t"),
        (checks.nouns_leave_sessions_alone, "app/tasks/x.py", "from app.core.data.tables import ref\ntext('SELECT 1')"),
        (checks.nouns_leave_sessions_alone, "app/tasks/x.py", "from sqlmodel import insert"),
        (checks.nouns_leave_sessions_alone, "app/tasks/x.py", "await repository.session.connection()"),
        (checks.nouns_leave_sessions_alone, "app/tasks/x.py", "from app.core.data.ownership.guard import everyone"),
        (checks.nouns_leave_sessions_alone, "app/tasks/x.py", "x = literal_column('1')  # crosses the border:"),
        (checks.modules_are_named_for_what_they_know, "app/core/utils.py", ""),
        (checks.modules_are_named_for_what_they_know, "app/helpers/text.py", ""),
        (checks.everything_public_is_described, "app/x.py", "x = 1"),
        (checks.everything_public_is_described, "app/x.py", DOCUMENTED + "def f(): ..."),
        (checks.everything_public_is_described, "app/x.py", DOCUMENTED + "async def f(): ..."),
        (checks.everything_public_is_described, "app/x.py", DOCUMENTED + "class A: ..."),
        (checks.files_are_short, "app/x.py", "\n" * (checks.LONGEST_FILE + 1)),
        (checks.top_level_is_known, "scripts/deploy.py", ""),
        (checks.top_level_is_known, "NOTES.md", ""),
        (checks.nothing_names_a_machine, "app/x.py", "url = 'https://" + "pypi" + ".org/simple'"),
        (checks.nothing_names_a_machine, "README.md", "see https://registry." + "npmjs.org"),
        (checks.nothing_names_a_machine, "README.md", "open `/home" + "/ann/project`"),
        (checks.nothing_names_a_machine, "README.md", "open C:" + "\\Users\\ann"),
    ],
)
def test_a_law_reports_what_breaks_it(law: Law, path: str, source: str) -> None:
    violations = law(path, source)

    assert len(violations) == 1
    assert violations[0].startswith(f"{path}:")


@pytest.mark.parametrize(
    ("law", "path", "source"),
    [
        (checks.imports_go_one_way, "app/core/cli/x.py", "from app.core.ops.logging import configure_logging"),
        (checks.imports_go_one_way, "app/core/data/x.py", "from app.core.data.errors import DataError"),
        (checks.imports_go_one_way, "app/core/http/x.py", "from app.core.auth.users import User\nimport applepie"),
        (checks.imports_go_one_way, "app/tasks/factories.py", "from app.testing.factories import RowFactory"),
        (checks.imports_go_one_way, "app/testing/x.py", "from app.tasks.factories import TaskFactory"),
        (
            checks.imports_go_one_way,
            "app/batteries/outbox/x.py",
            "from app.core.http.exception_handlers import handlers",
        ),
        (
            checks.imports_go_one_way,
            "app/batteries/outbox/factories.py",
            "from app.testing.factories import RowFactory\nfrom app.batteries.outbox.models import Message",
        ),
        (checks.imports_go_one_way, "app/tasks/x.py", "from app.batteries.outbox.models import Message"),
        (checks.imports_go_one_way, "app/testing/x.py", "from app.asgi import create_app"),
        (checks.nouns_share_models_only, "app/tasks/x.py", "from app.projects.models import Project"),
        (checks.nouns_share_models_only, "app/tasks/x.py", "from app.projects import models"),
        (checks.nouns_share_models_only, "app/tasks/x.py", "from app.tasks.schemas import TaskCreate"),
        (checks.imports_go_one_way, "app/context.py", "from app.asgi import create_app"),
        (checks.imports_go_one_way, "app/testing/x.py", "from app.context import CONTEXT"),
        (checks.imports_stand_at_the_top, "app/x.py", "if TYPE_CHECKING:\n    import json"),
        (checks.imports_stand_at_the_top, "app/x.py", "if find_spec('x'):\n    import x\nelse:\n    import json"),
        (checks.imports_are_statements, "app/__main__.py", "import_module(name)"),
        (
            checks.imports_are_statements,
            "app/x.py",
            "from a import import_modules\nimport_modules('x')",
        ),
        (checks.nouns_leave_sessions_alone, "app/tasks/x.py", "description_text(1)\nplaintext = context(2)"),
        (checks.nouns_leave_sessions_alone, "app/tasks/x.py", '"""Mentions text(), commit() and connection."""'),
        (checks.nouns_leave_sessions_alone, "app/tasks/x.py", "f(text('1'))  # crosses the border: a report for staff"),
        (checks.nouns_leave_sessions_alone, "app/tasks/x.py", "from app.core.data.tables import text\nx = text('A.')"),
        (checks.nouns_leave_sessions_alone, "app/core/data/x.py", "text('SELECT 1')"),
        (
            checks.imports_go_one_way_inside_a_room,
            "app/core/data/transfer/x.py",
            "from app.core.data.schema.plans import Plan",
        ),
        (
            checks.imports_go_one_way_inside_a_room,
            "app/core/data/sql/x.py",
            "from app.core.data.sql.owner_compiler import OWNER",
        ),
        (checks.imports_go_one_way_inside_a_room, "app/core/ops/x.py", "from app.core.ops.health import ready"),
        (checks.everything_public_is_described, "app/x.py", DOCUMENTED + "def _f(): ..."),
        (
            checks.everything_public_is_described,
            "app/x.py",
            DOCUMENTED + 'class A:\n    """A."""\n    def f(self): ...',
        ),
        (checks.files_are_short, "app/x.py", "\n" * checks.LONGEST_FILE),
        (checks.top_level_is_known, ".github/workflows/ci.yml", ""),
        (checks.nothing_names_a_machine, "README.md", "GET /api/home/1, https://example.com/work/1"),
    ],
)
def test_a_law_allows_what_is_right(law: Law, path: str, source: str) -> None:
    assert law(path, source) == []


def test_a_noun_that_is_not_listed_fails_the_start(tmp_path: Path) -> None:
    listed = {package.removeprefix("app.") for package in installed_packages()}
    for name in {*listed, "ghosts", "batteries/spirits"}:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "models.py").touch()

    with pytest.raises(RuntimeError, match=r"remove: batteries\.spirits, ghosts$"):
        refuse_unlisted(tmp_path)


def test_folders_without_a_table_need_no_line(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "controllers.py").touch()

    refuse_unlisted(tmp_path)
    refuse_unlisted()


def test_no_module_imports_itself_by_way_of_others() -> None:
    modules = {checks.module_of(file.relative_to(BASE_DIR).as_posix()): file for file in APP_FILES}
    imported = {
        name: {
            target if target in modules else target.rpartition(".")[0]
            for _, target in checks.imports_of(file.relative_to(BASE_DIR).as_posix(), file.read_text())
        }
        for name, file in modules.items()
    }

    assert len(list(TopologicalSorter(imported).static_order())) >= len(modules)  # a circle raises CycleError
