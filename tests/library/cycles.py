"""Nouns that refer to each other, or to themselves: two tables, three, one, with every fate of what is referred to."""

from types import new_class
from typing import Any

from sqlmodel import SQLModel

from app.core.data.tables import Fields, NonBlankText, Owned, RowId, Timestamped, ref, text
from app.core.http.body.dto import CreateSchema, UpdateSchema
from app.core.http.resource.controller import ResourceController
from app.testing.factories import RowFactory


class _Named(Fields):
    name: NonBlankText = text("What it is called.", max_length=50)


class SamplePlayerFields(_Named):
    """A player is in a team, and a team has a player for its captain: each may be without."""

    team_id: RowId | None = ref("sample_teams", "Team.", on_delete="restrict")
    folder_id: RowId | None = ref("sample_folders", "Folder.", on_delete="restrict")  # which is in no cycle with it


class SamplePlayer(Timestamped, SamplePlayerFields, Owned, table=True):
    """One of a user's players."""

    __tablename__ = "sample_players"


class SampleTeamFields(_Named):
    """The other half."""

    captain_id: RowId | None = ref("sample_players", "Captain.", on_delete="set null")


class SampleTeam(Timestamped, SampleTeamFields, Owned, table=True):
    """One of a user's teams."""

    __tablename__ = "sample_teams"


class SampleCityFields(_Named):
    """A city needs a country, a country needs a continent, and a continent may have a largest city."""

    country_id: RowId = ref("sample_countries", "Country.", on_delete="restrict")


class SampleCity(Timestamped, SampleCityFields, Owned, table=True):
    """One of a user's cities."""

    __tablename__ = "sample_cities"


class SampleCountryFields(_Named):
    """The second of the three."""

    continent_id: RowId = ref("sample_continents", "Continent.", on_delete="cascade")


class SampleCountry(Timestamped, SampleCountryFields, Owned, table=True):
    """One of a user's countries."""

    __tablename__ = "sample_countries"


class SampleContinentFields(_Named):
    """The third."""

    largest_city_id: RowId | None = ref("sample_cities", "Largest city.", on_delete="restrict")


class SampleContinent(Timestamped, SampleContinentFields, Owned, table=True):
    """One of a user's continents."""

    __tablename__ = "sample_continents"


class SampleKeyFields(_Named):
    """A key goes with its lock, and a lock with its key."""

    lock_id: RowId | None = ref("sample_locks", "Lock.", on_delete="cascade")


class SampleKey(SampleKeyFields, Owned, table=True):
    """One of a user's keys."""

    __tablename__ = "sample_keys"


class SampleLockFields(_Named):
    """The other half."""

    key_id: RowId | None = ref("sample_keys", "Key.", on_delete="cascade")


class SampleLock(SampleLockFields, Owned, table=True):
    """One of a user's locks."""

    __tablename__ = "sample_locks"


class SampleFolderFields(_Named):
    """A folder is in another, and may lead to a third."""

    parent_id: RowId | None = ref("sample_folders", "Parent.", on_delete="restrict")
    shortcut_id: RowId | None = ref("sample_folders", "Shortcut.", on_delete="set null")


class SampleFolder(Timestamped, SampleFolderFields, Owned, table=True):
    """One of a user's folders."""

    __tablename__ = "sample_folders"


def _served(model: Any, fields: type[SQLModel], path: str) -> type[ResourceController[Any, Any, Any]]:
    """What a noun's schemas and controller are, where they say nothing of their own."""
    said: Any = {"__module__": __name__, "__doc__": model.__doc__}
    create: Any = new_class(f"{model.__name__}Create", (fields, CreateSchema), exec_body=lambda body: body.update(said))
    update: Any = new_class(f"{model.__name__}Update", (fields, UpdateSchema), exec_body=lambda body: body.update(said))
    base = ResourceController[model, create, update]
    return new_class(f"{model.__name__}Controller", (base,), exec_body=lambda body: body.update(said, path=path))


NOUNS = (
    _served(SamplePlayer, SamplePlayerFields, "/api/players"),
    _served(SampleTeam, SampleTeamFields, "/api/teams"),
    _served(SampleCity, SampleCityFields, "/api/cities"),
    _served(SampleCountry, SampleCountryFields, "/api/countries"),
    _served(SampleContinent, SampleContinentFields, "/api/continents"),
    _served(SampleKey, SampleKeyFields, "/api/keys"),
    _served(SampleLock, SampleLockFields, "/api/locks"),
    _served(SampleFolder, SampleFolderFields, "/api/folders"),
)
FACTORIES = [RowFactory.create_factory(noun.model) for noun in NOUNS]
