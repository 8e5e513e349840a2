"""The table of tasks, and the fields that it shares with its schemas."""

from app.core.data.tables import Fields, NonBlankText, Owned, PlainText, RowId, Timestamped, flag, long_text, ref, text


class TaskFields(Fields):
    """What a client may say about a task."""

    title: NonBlankText = text("What is to be done.", max_length=200, example="Buy milk")
    description: PlainText | None = long_text("More about it.", example="Two litres, from the shop at the corner")
    completed: bool = flag("Whether it is done.")
    project_id: RowId | None = ref(
        "projects",
        "The project that it belongs to, if any: the `id` of one of your own.",
        on_delete="set null",
    )


class Task(Timestamped, TaskFields, Owned, table=True):
    """Something to do, of one user."""

    __tablename__ = "tasks"
