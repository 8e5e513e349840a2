"""The table of tasks, and the fields that it shares with its schemas."""

from app.core.data.tables import Fields, NonBlankText, Owned, PlainText, RowId, Timestamped, flag, long_text, ref, text


class TaskFields(Fields):
    """The fields of a task that a client may send."""

    title: NonBlankText = text("What to do.", max_length=200, example="Buy milk")
    description: PlainText | None = long_text("Details.", example="Two litres, from the shop at the corner")
    completed: bool = flag("Whether it is done.")
    project_id: RowId | None = ref(
        "projects",
        "The `id` of your project to which the task belongs, if any.",
        on_delete="set null",
    )


class Task(Timestamped, TaskFields, Owned, table=True):
    """A task of one user."""

    __tablename__ = "tasks"
