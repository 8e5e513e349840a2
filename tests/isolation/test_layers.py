"""The three layers of isolation, each alone: with the two others off, a layer still stops its own attacks.

`hooks` is the session with its compiler, `schema` the composite keys and the triggers, `policies` row level security.
STOPS lists which layers stop an attack; the others do not. With all layers off every attack succeeds.

No layer is enough alone: the session does not check the owner of a referenced row; the schema does not know the caller;
the policies do not apply to references, which PostgreSQL checks as the owner of the tables.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from advanced_alchemy.exceptions import RepositoryError
from sqlalchemy import Table, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, async_sessionmaker
from sqlalchemy.orm import aliased

from app.core.data.connection.engine import make_engine
from app.core.data.connection.rls import set_connection_owner
from app.core.data.errors import DataError
from app.core.data.ownership.guard import bind_owner, everyone
from app.core.data.ownership.session import AppSession
from app.core.data.schema.protections import OwnerProtection
from app.core.data.schema.quoting import quoted
from app.core.data.tables.owned import Owned
from app.core.data.tables.registry import columns_of, owned_models
from app.testing.databases import Databases, PostgresDatabases, settings_for_tests
from app.testing.factories import factory_of, stored_through
from app.testing.rollback import emptied
from tests.isolation.attacks import (
    COUNTS,
    EXPANDED,
    POSTGRES_WRITES,
    READS,
    REFERENCES,
    REFUSED,
    WRITES,
    references_of,
)
from tests.isolation.attacks.answers import found

# Refused for every session, without a visible effect, or an error by itself: no other layer has anything to stop.
_HOOKS_ONLY = {
    "bulk update by key",
    "bulk_save_objects",
    "bulk_update_mappings",
    "bulk_insert_mappings",
    "add a row with a chosen id",
    "give an own row away",
    "attach another's row",
    "update of the id",
    "update of the id by the core table",
    "change an own row's id",
    "insert from select",
}
_OWNER_CHANGES = {name for name in REFUSED if name.startswith("update of the owner")}

STOPS: dict[str, set[str]] = {
    **{name: {"hooks", "policies"} for name in READS | COUNTS | WRITES | POSTGRES_WRITES},
    **{name: {"hooks", "policies"} for name in REFUSED if name not in _HOOKS_ONLY},
    **{name: {"hooks", "schema", "policies"} for name in _OWNER_CHANGES},
    **{name: {"schema"} for name in REFERENCES},
    **{name: {"hooks", "schema", "policies"} for name in EXPANDED},
}
ALL = READS | COUNTS | WRITES | POSTGRES_WRITES | REFUSED | REFERENCES | EXPANDED
FOREIGN_KEY = re.compile(r",\s*CONSTRAINT \w+ FOREIGN KEY\s*\([^)]*\) REFERENCES \w+ \([^)]*\)[^,\n]*")
ONLY_ON = {"upsert, sqlite": "sqlite", **dict.fromkeys(("upsert, postgresql", *POSTGRES_WRITES), "postgres")}

pytestmark = pytest.mark.filterwarnings("ignore:.*cartesian product")


class Layers:
    """A database and a role with only some of the layers."""

    def __init__(self, engine: AsyncEngine, owner: AsyncEngine, hooks: bool) -> None:
        self.sessions = async_sessionmaker(engine, class_=AppSession, expire_on_commit=False)
        self.owners = async_sessionmaker(owner, class_=AppSession, expire_on_commit=False)
        self._hooks = hooks

    @asynccontextmanager
    async def mallory(self) -> AsyncIterator[AppSession]:
        """Open a session of mallory; without hooks only its connection has the owner."""
        async with self.sessions() as session:
            if self._hooks:
                bind_owner(session, "mallory")
            else:
                set_connection_owner(
                    cast("Any", await everyone(session).connection()).sync_connection.connection, "mallory"
                )
            yield session
            session.expunge_all()


@pytest.fixture(scope="module")
async def layered(
    postgres: PostgresDatabases, restricted: Databases, sqlite_databases: Databases
) -> AsyncIterator[dict[tuple[str, str | None], Layers]]:
    """Each layer alone on each kind of database; None is without any layer."""
    sources: dict[tuple[str, str | None], Databases] = {
        ("postgres", "policies"): restricted,
        **{("postgres", layer): postgres for layer in ("hooks", "schema", None)},
        **{("sqlite", layer): sqlite_databases for layer in ("hooks", "schema", None)},
    }
    made, engines = {}, []
    for (kind, layer), source in sources.items():
        url = source.fresh()
        engine, owner = (make_engine(settings_for_tests(u)) for u in (url, source.for_owner(url)))
        if layer != "schema":
            await without_schema(owner)
        made[kind, layer] = Layers(engine, owner, hooks=layer == "hooks")
        engines += [engine, owner]
    yield made
    for engine in engines:
        await engine.dispose()


async def without_schema(owner: AsyncEngine) -> None:
    """Drop the composite keys and the triggers that refuse a change of the owner."""
    async with owner.connect() as connection:
        if owner.dialect.name == "sqlite":
            await drop_sqlite_keys(connection)
        for table in (cast("Table", model.__table__) for model in owned_models()):
            trigger, name = quoted(OwnerProtection(table.name).name), quoted(table.name)
            on = "" if owner.dialect.name == "sqlite" else f" ON {name}"
            await connection.execute(text(f"DROP TRIGGER {trigger}{on}"))
            for key in () if owner.dialect.name == "sqlite" else table.foreign_key_constraints:
                await connection.execute(text(f"ALTER TABLE {name} DROP CONSTRAINT {quoted(str(key.name))}"))


async def drop_sqlite_keys(connection: AsyncConnection) -> None:
    """Edit SQLite's schema text, as it has no statement for this; connections read it after the next change."""
    await connection.execute(text("PRAGMA writable_schema = ON"))
    for name, created in await connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")):
        without = FOREIGN_KEY.sub("", created)
        await connection.execute(
            text("UPDATE sqlite_master SET sql = :sql WHERE name = :name"), {"sql": without, "name": name}
        )
    await connection.execute(text("PRAGMA writable_schema = RESET"))


async def succeeds(layers: Layers, name: str, model: type[Owned]) -> bool:
    """Let mallory attack a row of alice; return whether her rows were read, changed or referenced."""
    async with layers.owners() as db, emptied(layers.owners.kw["bind"]):
        with stored_through(everyone(db)):
            references = {
                column: (await factory_of(target).create_async(user_id="alice")).id
                for column, target in targets_of(model).items()
            }
            factory: Any = factory_of(model)
            own = [factory.build(user_id="mallory") for _ in range(2)]
            theirs = factory.build(user_id="alice", id=100_000, **references)
            await factory.store_async([*own, theirs])
        before = await rows_of(db, model, "alice")
        try:
            async with layers.mallory() as session:
                answer = await ALL[name](session, model, theirs)
        except (DataError, RepositoryError, SQLAlchemyError):
            answer = None
        after = await rows_of(db, model, "alice")
        seen = list(found(answer))
        referred = await count_references(db, model)
    counted = name in COUNTS and seen[-1:] not in ([], [None], [len(own)])
    return after != before or theirs.id in seen or "alice" in seen or counted or referred > 0


def targets_of(model: type[Owned]) -> dict[str, type[Owned]]:
    tables = {str(m.__tablename__): m for m in owned_models()}
    return {column: tables[table] for column, table in references_of(model).items()}


async def rows_of(db: AppSession, model: type[Owned], owner: str) -> list[Any]:
    row_id, user_id = columns_of(model)[:2]
    return list((await db.execute(select(*columns_of(model)).where(user_id == owner).order_by(row_id))).all())


async def count_references(db: AppSession, model: type[Owned]) -> int:
    """Return the number of rows that reference a row of another owner."""
    crossing = 0
    for column, target in targets_of(model).items():
        other: Any = aliased(target)
        refers = (getattr(model, column) == other.id) & (columns_of(model)[1] != other.user_id)
        crossing += (await db.execute(select(func.count()).select_from(model).join(other, refers))).scalar_one()
    return crossing


# One table is enough for statements, `test_guard.py` has all tables; the schema's attacks run on each table.
REFERRING = max(owned_models(), key=lambda model: len(references_of(model)))
CASES = [
    (kind, name, model)
    for kind in ("sqlite", "postgres")
    for name in STOPS
    for model in (owned_models() if "schema" in STOPS[name] else [REFERRING])
    if (name not in REFERENCES | EXPANDED or references_of(model)) and ONLY_ON.get(name, kind) == kind
]
# Quick on SQLite, which has no policies: what the schema stops, and one statement of each group that only hooks stop.
GROUPS = (READS, COUNTS, WRITES, REFUSED)
QUICK_ON_SQLITE = {next(name for name in group if name in STOPS) for group in GROUPS} | {"upsert, sqlite"}
QUICK_ON_SQLITE |= {name for name, layers in STOPS.items() if "schema" in layers}


def case(kind: str, name: str, model: type[Owned]) -> pytest.ParameterSet:
    is_quick = kind == "postgres" or name in QUICK_ON_SQLITE
    return pytest.param(kind, name, model, marks=() if is_quick else pytest.mark.slow)


@pytest.mark.parametrize(
    ("kind", "name", "model"), [case(*parts) for parts in CASES], ids=lambda part: getattr(part, "__name__", part)
)
async def test_each_layer_alone_stops_its_own_attacks_and_no_others(
    kind: str, name: str, model: type[Owned], layered: dict[tuple[str, str | None], Layers]
) -> None:
    """Also the attacks that a layer does not stop are listed, so that no one relies on it there."""
    layers = [layer for of_kind, layer in layered if of_kind == kind]
    succeeded = {layer: await succeeds(layered[kind, layer], name, model) for layer in layers}

    assert succeeded == {layer: layer not in STOPS[name] for layer in layers}
