"""Engines for migrations: synchronous, unpooled, and with real transactions, on SQLite too."""

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.pool import NullPool

from app.core.data.connection.engine import begin_immediately, database_url, libpq_args
from app.settings import Settings


def owner_settings(settings: Settings) -> Settings:
    """Return the settings with which the owner of the tables connects: MIGRATION_DATABASE_URL, if it is set."""
    direct = settings.migration_database_url
    return settings.model_copy(update={"database_url": direct}) if direct else settings


def owner_url(settings: Settings) -> URL:
    """Return the URL with which the owner of the tables connects; InvalidSettings names the setting."""
    direct = settings.migration_database_url
    given, setting = (direct, "MIGRATION_DATABASE_URL") if direct else (settings.database_url, "DATABASE_URL")
    return database_url(given.get_secret_value(), setting)


def migration_engine(url: URL, application_name: str | None = None) -> Engine:
    """Return a synchronous engine with real transactions, from the application's URL."""
    if url.get_backend_name() != "sqlite":
        synchronous = url.set(drivername="postgresql+psycopg")
        arguments = libpq_args(url) | ({"application_name": application_name} if application_name else {})
        return create_engine(synchronous, poolclass=NullPool, connect_args=arguments)
    engine = create_engine(url.set(drivername="sqlite"), poolclass=NullPool)
    begin_immediately(engine)
    return engine.execution_options(isolation_level="SERIALIZABLE")


def reading_engine(url: URL) -> Engine:
    """Return an engine that only reads: on SQLite it takes no write lock, and waits for no writer."""
    return migration_engine(url).execution_options(reads_only=True)
