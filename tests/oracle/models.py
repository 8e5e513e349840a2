"""Unmanaged models, made from the columns that Django finds in a database, as its command `inspectdb` makes them."""

from typing import Any, Final

from django.core.management.commands.inspectdb import Command
from django.db import connection, models

REFERENCES: Final = {"shelf_id": "sample_shelves"}  # Django's introspection knows no keys of two columns


class Instant(models.DateTimeField):  # type: ignore[misc]
    """A time in SQLite with six digits behind the point; Django itself leaves them out where they are zero."""

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        value = super().get_prep_value(value) if not prepared else value
        if value is None or connection.vendor != "sqlite":
            return super().get_db_prep_value(value, connection, prepared=True)
        return f"{value:%Y-%m-%d %H:%M:%S.%f}"


def model_of(table: str) -> type[models.Model]:
    """Return a model with a field for each column."""
    with connection.cursor() as cursor:
        columns = connection.introspection.get_table_description(cursor, table)
    fields = dict(_field_of(table, column) for column in columns)
    meta = type("Meta", (), {"app_label": "oracle", "db_table": table, "managed": False})
    return type(table, (models.Model,), {"__module__": __name__, "Meta": meta, **fields})


def _field_of(table: str, column: Any) -> tuple[str, models.Field]:
    name, null = column.name, {"null": column.null_ok}
    if name == "id":
        return name, models.BigAutoField(primary_key=True)
    if name in REFERENCES:
        target = f"oracle.{REFERENCES[name]}"
        reference = models.ForeignKey(target, models.DO_NOTHING, db_column=name, related_name="+", **null)
        return name.removesuffix("_id"), reference
    kind, options, _ = Command().get_field_type(connection, table, column)
    if str(column.type_code).lower() == "char(32)":
        return name, models.UUIDField(**null)  # SQLite has no such type
    if kind == "DateTimeField":
        return name, Instant(**null)
    return name, getattr(models, kind)(**{**options, **null})
