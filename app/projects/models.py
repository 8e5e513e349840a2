"""The table of projects, and the fields that it shares with its schemas."""

from app.core.data.tables import Fields, NonBlankText, Owned, PlainText, Timestamped, flag, long_text, text


class ProjectFields(Fields):
    """The fields of a project that a client may send."""

    name: NonBlankText = text("The name.", max_length=200, example="Move house")
    description: PlainText | None = long_text("Details.", example="By the end of May")
    archived: bool = flag("Whether it is archived.")


class Project(Timestamped, ProjectFields, Owned, table=True):
    """A project of one user."""

    __tablename__ = "projects"
