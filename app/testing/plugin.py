"""The pytest plugin: its fixtures and options. `app/testing/__init__.py` is the guide.

The changes of a test are rolled back. With two roles (`restricted`), which cannot share a transaction, all rows are
deleted instead.
"""

import gc
from collections.abc import AsyncIterator, Iterator
from typing import cast

import pytest
from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig, SQLAlchemyInitPlugin
from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app.asgi import create_app
from app.context import CONTEXT
from app.core.data.connection.engine import make_engine
from app.core.data.ownership.guard import everyone
from app.core.data.ownership.session import AppSession
from app.testing.clients import Client, ClientFor, CountQueries
from app.testing.counting import count_statements
from app.testing.databases import (
    Databases,
    PostgresDatabases,
    RestrictedDatabases,
    SqliteDatabases,
    postgres_databases,
    settings_for_tests,
)
from app.testing.environment import remove_settings
from app.testing.factories import stored_through
from app.testing.kinds import KINDS, MARKERS, kinds_of
from app.testing.rollback import emptied, make_isolated_engine, rolled_back


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option --db."""
    parser.addoption("--db", choices=[*KINDS, "both", "all"], default="all", help="databases to test on (default: all)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that needs a database once on each kind of database."""
    if "databases" in metafunc.fixturenames:
        kinds = kinds_of(metafunc.definition, metafunc.config.getoption("--db"))
        metafunc.parametrize("databases", kinds, indirect=True, scope="session")


def pytest_configure(config: pytest.Config) -> None:
    """Remove the developer's settings, register the markers, and import all factories."""
    gc.disable()  # until all tests are collected: it takes a third of the time of the collection
    remove_settings()
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    CONTEXT.load_factories()


def pytest_collection_finish() -> None:
    """Collect garbage rarely, and without the objects that exist now: it took a fifth of the time."""
    gc.freeze()
    gc.set_threshold(50_000)
    gc.enable()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run all tests in one event loop, because the application lives through all of them."""
    return "asyncio"


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    """The source of SQLite databases, which are files in a temporary folder."""
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresDatabases]:
    """The source of PostgreSQL databases: the server of TEST_DATABASE_URL, or an embedded one."""
    with postgres_databases() as databases:
        yield databases


@pytest.fixture(scope="session")
def restricted(postgres: PostgresDatabases) -> Databases:
    """The source of PostgreSQL databases for a role that does not own the tables, so row level security applies."""
    return RestrictedDatabases(postgres)


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Databases:
    """The source of databases of the kind that the test runs on; `fresh()` returns the URL of a new one."""
    names = {"sqlite": "sqlite_databases", "postgres": "postgres", "restricted": "restricted"}
    source: Databases = request.getfixturevalue(names[request.param])
    return source


@pytest.fixture(scope="session")
async def live_app(databases: Databases) -> AsyncIterator[Litestar]:
    """The started application on its own database. Changes stay, unless the test also uses `app` or `db`."""
    app = create_app(settings_for_tests(databases.fresh()))
    async with app.lifespan():
        yield app


@pytest.fixture(scope="session")
def alchemy(live_app: Litestar) -> SQLAlchemyAsyncConfig:
    """The configuration of the application's session plugin."""
    config = live_app.plugins.get(SQLAlchemyInitPlugin).config[0]
    assert isinstance(config, SQLAlchemyAsyncConfig)
    return config


@pytest.fixture(scope="session")
def engine(alchemy: SQLAlchemyAsyncConfig) -> AsyncEngine:
    """The application's engine."""
    return alchemy.get_engine()


@pytest.fixture(scope="session")
async def owner_engine(databases: Databases, engine: AsyncEngine) -> AsyncIterator[AsyncEngine | None]:
    """An engine for the owner of the tables; None if the application's role owns them."""
    url = engine.url.render_as_string(hide_password=False)
    owner = databases.for_owner(url)
    made = make_engine(settings_for_tests(owner)) if owner != url else None
    yield made
    if made:
        await made.dispose()


@pytest.fixture(scope="session")
async def isolated_engine(engine: AsyncEngine, owner_engine: AsyncEngine | None) -> AsyncIterator[AsyncEngine]:
    """The engine whose changes are undone: one shared connection or, with two roles, the application's engine."""
    if owner_engine:
        yield engine
        return
    isolated = make_isolated_engine(engine)
    yield isolated
    await isolated.dispose()


@pytest.fixture
async def sessions(
    alchemy: SQLAlchemyAsyncConfig, isolated_engine: AsyncEngine, owner_engine: AsyncEngine | None
) -> AsyncIterator[async_sessionmaker[AppSession]]:
    """The application's session maker; its changes are undone after the test."""
    maker = cast("async_sessionmaker[AppSession]", alchemy.create_session_maker())
    async with emptied(owner_engine) if owner_engine else rolled_back(isolated_engine, maker):
        yield maker


@pytest.fixture
def app(live_app: Litestar, sessions: async_sessionmaker[AsyncSession]) -> Litestar:
    """The application; changes through it are undone after the test."""
    return live_app


@pytest.fixture
async def db(sessions: async_sessionmaker[AppSession], owner_engine: AsyncEngine | None) -> AsyncIterator[AppSession]:
    """A session that reads and writes the rows of all users; the factories store rows through it."""
    bind = {"bind": owner_engine} if owner_engine else {}
    async with sessions(**bind) as session:
        with stored_through(everyone(session)):
            yield session


@pytest.fixture
def count_queries(isolated_engine: AsyncEngine) -> CountQueries:
    """Collects the SQL statements that the application executes in a `with` block."""
    return lambda: count_statements(isolated_engine)


@pytest.fixture
def as_user(app: Litestar) -> ClientFor:
    """Makes a client that sends a token of the given user, e.g. bob."""
    return lambda user: Client(app, user)


@pytest.fixture
def client(as_user: ClientFor) -> Client:
    """A client that sends a token of the user alice."""
    return as_user("alice")


@pytest.fixture
def anonymous(app: Litestar) -> Client:
    """A client without a token."""
    return Client(app)
