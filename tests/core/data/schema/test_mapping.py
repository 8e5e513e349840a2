"""Tables and classes that would let rows of others be referred to or changed keep the application from starting."""

import subprocess
import sys

import pytest

from app.settings import BASE_DIR

HEAD = """
from sqlalchemy import Column, ForeignKeyConstraint, Table, Text
from sqlmodel import Field, SQLModel
from app.core.data.schema.mapping import check_mapping
from app.core.data.tables.owned import Owned, owned_mapper_args
from sqlalchemy.orm import declared_attr, make_transient_to_detached
import app.installed
"""
FAULTS: dict[str, tuple[str, str]] = {
    "a plain key": (
        """
class Probe(Owned, table=True):
    __tablename__ = "probes"
    task_id: int | None = Field(default=None, foreign_key="tasks.id")
""",
        "`task_id: RowId = ref('tasks', ...)`",
    ),
    "a link without an owner": (
        """
class Link(SQLModel, table=True):
    __tablename__ = "links"
    task_id: int | None = Field(default=None, foreign_key="tasks.id", primary_key=True)
    project_id: int | None = Field(default=None, foreign_key="projects.id", primary_key=True)
""",
        "derive the class of links from Owned",
    ),
    "a core table without an owner": (
        """
from sqlalchemy import ForeignKey, Integer
Table("notes", SQLModel.metadata, Column("task_id", Integer, ForeignKey("tasks.id")))
""",
        "derive the class of notes from Owned",
    ),
    "a key whose columns are crossed": (
        """
Table("notes", SQLModel.metadata, Column("user_id", Text), Column("writer", Text), Column("task_id", Text),
      ForeignKeyConstraint(["writer", "task_id"], ["tasks.user_id", "tasks.id"]))
""",
        "can refer to another user's row",
    ),
    "table arguments of its own": (
        """
class Probe(Owned, table=True):
    __tablename__ = "probes"
    __table_args__ = ()
""",
        "put indexes and constraints into __indexes__",
    ),
    "mapper arguments of its own": (
        """
class Probe(Owned, table=True):
    __tablename__ = "probes"
    __mapper_args__ = {"eager_defaults": True}
""",
        "owned_mapper_args(cls)",
    ),
    "an owner under another name": (
        """
Table("notes", SQLModel.metadata, Column("user_id", Text, key="who"))
""",
        "the owner under another name",
    ),
    "a table of the same name elsewhere": (
        """
Table("Tasks", SQLModel.metadata, Column("id", Text), schema="audit")
""",
        "have the same name",
    ),
    "two triggers of one name": (
        """
from app.core.data.tables.indexes import reference
for name, column in (("work_logs", "task_id"), ("work", "logs_task_id")):
    key = reference(column, "tasks", on_delete="set null")
    Table(name, SQLModel.metadata, Column("user_id", Text), Column(column, Text), *key)
""",
        "make triggers of the same name",
    ),
    "a field under another name": (
        """
class Probe(Owned, table=True):
    __tablename__ = "probes"
    title: str = Field(sa_column=Column("heading", Text))
""",
        "give the field the name of the column",
    ),
}
RIGHT = """
class Probe(Owned, table=True):
    __tablename__ = "probes"
    title: str

    @declared_attr.directive
    def __mapper_args__(cls):
        return owned_mapper_args(cls) | {"confirm_deleted_rows": False}
"""


CHECK_EACH = f"""
import os, sys
{HEAD}
for source in sys.argv[1:]:
    if os.fork() == 0:
        try:
            exec(source)
            check_mapping()
            print("right", flush=True)
        except TypeError as error:
            print(error, flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """What the start says of each table, in a process of its own: a mapped class never goes away again."""
    tables = {name: source for name, (source, _) in FAULTS.items()} | {"right": RIGHT}
    command = [sys.executable, "-c", CHECK_EACH, *tables.values()]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=BASE_DIR)
    assert (result.returncode, result.stderr) == (0, "")
    return dict(zip(tables, result.stdout.splitlines(), strict=True))


# One test of all: as tests of their own, they would start the process in several workers.
def test_what_no_statement_shows_fails_the_start(said: dict[str, str]) -> None:
    assert {name: said[name] for name, (_, remedy) in FAULTS.items() if remedy not in said[name]} == {}


def test_mapper_arguments_may_be_added(said: dict[str, str]) -> None:
    assert said["right"] == "right"
