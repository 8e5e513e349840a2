"""The session plugin: advanced-alchemy, told to use our engine, our session and our migrations."""

from advanced_alchemy.config import AlembicAsyncConfig
from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlmodel import SQLModel

from app.core.data.engine import make_engine
from app.core.data.session import AppSession
from app.settings import BASE_DIR, Settings


def make_alchemy(settings: Settings) -> SQLAlchemyAsyncConfig:
    """Return the plugin's configuration for the database of these settings.

    The session maker is given ready-made, because the plugin would overwrite a session class of ours; and the plugin
    only closes sessions: its "autocommit" answers 201 when the COMMIT has failed.
    """
    engine = make_engine(settings)
    return SQLAlchemyAsyncConfig(
        engine_instance=engine,
        session_maker=async_sessionmaker(engine, class_=AppSession, expire_on_commit=False),
        metadata=SQLModel.metadata,
        set_default_exception_handler=False,
        alembic_config=AlembicAsyncConfig(
            script_config="",
            script_location=str(BASE_DIR / "migrations"),
            version_table_name="alembic_version",
            user_module_prefix=None,
            compare_type=True,
        ),
    )
