"""The table of projects, and the fields that it shares with its schemas."""

from app.core.data.tables import Fields, NonBlankText, Owned, PlainText, Timestamped, flag, long_text, text


class ProjectFields(Fields):
    """What a client may say about a project."""

    name: NonBlankText = text("What it is called.", max_length=200, example="Move house")
    description: PlainText | None = long_text("More about it.", example="By the end of May")
    archived: bool = flag("Whether it is put away.")


class Project(Timestamped, ProjectFields, Owned, table=True):
    """What tasks of one user can belong to."""

    __tablename__ = "projects"
