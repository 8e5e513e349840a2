"""Nouns with lists of ids: of another table, of their own, of one that refers back, and of one without times."""

from types import new_class
from typing import Any

from sqlmodel import SQLModel

from app.core.data.tables import Fields, NonBlankText, Owned, RowId, RowIds, Timestamped, ref, refs, text, unique
from app.core.http.body.dto import CreateSchema, UpdateSchema
from app.core.http.resource.actions import action
from app.core.http.resource.controller import ResourceController
from app.testing.factories import RowFactory


class _Named(Fields):
    name: NonBlankText = text("What it is called.", max_length=50)


class SampleNoteFields(_Named):
    """A note has labels and notes that belong to it, and maybe a main label."""

    label_ids: RowIds = refs("sample_labels", "Labels.")
    note_ids: RowIds = refs("sample_notes", "Notes.", max=3)
    main_id: RowId | None = ref("sample_labels", "Main label.", on_delete="set null")


class SampleNote(Timestamped, SampleNoteFields, Owned, table=True):
    """One of a user's notes."""

    __tablename__ = "sample_notes"
    __indexes__ = (unique("name"),)


class SampleLabelFields(_Named):
    """A label."""


class SampleLabel(Timestamped, SampleLabelFields, Owned, table=True):
    """One of a user's labels."""

    __tablename__ = "sample_labels"


class SampleAlbumFields(_Named):
    """An album lists its best photos, and each photo is in an album."""

    photo_ids: RowIds = refs("sample_photos", "Best photos.")


class SampleAlbum(SampleAlbumFields, Owned, table=True):
    """One of a user's albums."""

    __tablename__ = "sample_albums"


class SamplePhotoFields(_Named):
    """The other half."""

    album_id: RowId = ref("sample_albums", "Album.", on_delete="cascade")


class SamplePhoto(SamplePhotoFields, Owned, table=True):
    """One of a user's photos."""

    __tablename__ = "sample_photos"


class SampleActorFields(_Named):
    """An actor has plays, and a play has actors."""

    play_ids: RowIds = refs("sample_plays", "Plays.")


class SampleActor(Timestamped, SampleActorFields, Owned, table=True):
    """One of a user's actors."""

    __tablename__ = "sample_actors"


class SamplePlayFields(_Named):
    """The other half."""

    actor_ids: RowIds = refs("sample_actors", "Actors.")


class SamplePlay(Timestamped, SamplePlayFields, Owned, table=True):
    """One of a user's plays."""

    __tablename__ = "sample_plays"


def _served(model: Any, fields: type[SQLModel], path: str, **more: Any) -> type[ResourceController[Any, Any, Any]]:
    said: Any = {"__module__": __name__, "__doc__": model.__doc__}
    create: Any = new_class(f"{model.__name__}Create", (fields, CreateSchema), exec_body=lambda body: body.update(said))
    update: Any = new_class(f"{model.__name__}Update", (fields, UpdateSchema), exec_body=lambda body: body.update(said))
    base = ResourceController[model, create, update]
    return new_class(
        f"{model.__name__}Controller", (base,), exec_body=lambda body: body.update(said, path=path, **more)
    )


NOUNS = (
    _served(
        *(SampleNote, SampleNoteFields, "/api/notes"),
        expand=("labels", "notes", "main"),
        counts=("sample_notes",),
        empty=action("Remove its labels.", {"label_ids": [], "main_id": None}),
    ),
    _served(
        *(SampleLabel, SampleLabelFields, "/api/labels"), counts=("sample_notes.label_ids", "sample_notes.main_id")
    ),
    _served(SampleAlbum, SampleAlbumFields, "/api/albums", expand=("photos",), counts=("sample_photos",)),
    _served(SamplePhoto, SamplePhotoFields, "/api/photos", expand=("album",), counts=("sample_albums",)),
    _served(SampleActor, SampleActorFields, "/api/actors", expand=("plays",), counts=("sample_plays",)),
    _served(SamplePlay, SamplePlayFields, "/api/plays", expand=("actors",), counts=("sample_actors",)),
)
FACTORIES = [RowFactory.create_factory(noun.model) for noun in NOUNS]
