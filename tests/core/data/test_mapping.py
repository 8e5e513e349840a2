"""Tables and classes that would let rows of others be referred to or changed keep the application from starting."""

import subprocess
import sys

import pytest

from app.settings import BASE_DIR

HEAD = """
from sqlalchemy import Column, ForeignKeyConstraint, Table, Text
from sqlmodel import Field, SQLModel
from app.core.data.mapping import check_mapping
from app.core.data.owned import Owned, owned_mapper, owned_table
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
        "reference('task_id', 'tasks', ...)",
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
        "can refer to rows of others",
    ),
    "no access path": (
        """
class Probe(Owned, table=True):
    __tablename__ = "probes"
    __table_args__ = ()
""",
        "owned_table(...)",
    ),
    "mapper arguments of its own": (
        """
class Probe(Owned, table=True):
    __tablename__ = "probes"
    __mapper_args__ = {"eager_defaults": True}
""",
        "owned_mapper(cls)",
    ),
    "an owner under another name": (
        """
Table("notes", SQLModel.metadata, Column("user_id", Text, key="who"))
""",
        "the owner under another name",
    ),
    "a field under another name": (
        """
class Probe(Owned, table=True):
    __tablename__ = "probes"
    title: str = Field(sa_column=Column("heading", Text))
""",
        "name the field as the column",
    ),
}
RIGHT = """
class Probe(Owned, table=True):
    __tablename__ = "probes"
    title: str

    @declared_attr.directive
    def __mapper_args__(cls):
        return owned_mapper(cls) | {"confirm_deleted_rows": False}
"""


def start(source: str) -> subprocess.CompletedProcess[str]:
    # In a process of its own: a mapped class never goes away again.
    program = f"{HEAD}{source}\ncheck_mapping()\n"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=BASE_DIR)


@pytest.mark.parametrize(("source", "cure"), FAULTS.values(), ids=FAULTS)
def test_what_no_statement_shows_fails_the_start(source: str, cure: str) -> None:
    result = start(source)

    assert result.returncode == 1
    assert "TypeError" in result.stderr
    assert cure in result.stderr


def test_mapper_arguments_may_be_added() -> None:
    result = start(RIGHT)

    assert (result.returncode, result.stderr) == (0, "")
