"""The table of projects, and the fields that it shares with what crosses the wire."""

from sqlalchemy import Text, false
from sqlmodel import Field, SQLModel

from app.core.data.tables.fields import NonBlankText, PlainText, Timestamped
from app.core.data.tables.owned import Owned


class ProjectFields(SQLModel):
    """What a user says about a project."""

    name: NonBlankText = Field(
        max_length=200,
        description="What it is called.",
        schema_extra={"examples": ["Move house"]},
    )
    description: PlainText | None = Field(
        default=None,
        max_length=10_000,
        sa_type=Text,
        description="More about it.",
        schema_extra={"examples": ["By the end of May"]},
    )
    archived: bool = Field(
        default=False,
        sa_column_kwargs={"server_default": false()},
        description="Whether it is put away.",
        schema_extra={"examples": [False]},
    )


class Project(Timestamped, ProjectFields, Owned, table=True):
    """What tasks of one user can belong to."""

    __tablename__ = "projects"
