"""The table of tasks, and the fields that it shares with what crosses the wire."""

from sqlalchemy import Text, false
from sqlmodel import Field, Relationship, SQLModel

from app.core.data.tables.fields import BigIntKey, NonBlankText, PlainText, RowId, Timestamped
from app.core.data.tables.owned import Owned, owned_table, reference
from app.projects.models import Project


class TaskFields(SQLModel):
    """What a user says about a task; each rule is written here and nowhere else."""

    title: NonBlankText = Field(
        max_length=200,
        description="What is to be done.",
        schema_extra={"examples": ["Buy milk"]},
    )
    description: PlainText | None = Field(
        default=None,
        max_length=10_000,
        sa_type=Text,
        description="More about it.",
        schema_extra={"examples": ["Two litres, from the shop at the corner"]},
    )
    completed: bool = Field(
        default=False,
        sa_column_kwargs={"server_default": false()},
        description="Whether it is done.",
        schema_extra={"examples": [False]},
    )
    project_id: RowId | None = Field(
        default=None,
        sa_type=BigIntKey,
        description="The project that it belongs to, if any: the `id` of one of your own.",
        schema_extra={"examples": [None]},
    )


class Task(Timestamped, TaskFields, Owned, table=True):
    """Something to do, of one user."""

    __tablename__ = "tasks"
    __table_args__ = owned_table(reference("project_id", "projects", on_delete="set null"))

    project: Project | None = Relationship(sa_relationship_kwargs={"passive_deletes": "all"})
