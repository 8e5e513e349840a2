"""What alembic runs for every command: one transaction, the models of the installed nouns, portable defaults."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import DefaultClause, False_, True_
from sqlalchemy.sql.functions import now

from app.core.data.choices import LONGEST, Choice
from app.core.data.schema.migrations import COMPARISON, lock_of, migration_engine
from app.installed import INSTALLED

_PORTABLE: dict[type, str] = {False_: "sa.false()", True_: "sa.true()", now: "sa.func.now()"}


def render_item(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """Write defaults and types in a form for every database, and without what belongs to this program."""
    if kind == "type" and isinstance(item, Choice):
        return f"sa.String(length={LONGEST})"
    if kind == "server_default" and isinstance(item, DefaultClause):
        return _PORTABLE.get(type(item.arg), False)
    return False


def run() -> None:
    """Run the command's migrations, all of them or none."""
    config: Any = context.config  # advanced-alchemy's: it knows the engine and the version table
    engine = migration_engine(config.engine.url)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=config.attributes.get("metadata", INSTALLED[0].model.metadata),
            ledger=config.attributes.get("ledger"),
            version_table=config.version_table_name,
            user_module_prefix=config.user_module_prefix,
            render_item=render_item,
            **COMPARISON,
        )
        with context.begin_transaction():
            connection.execute(lock_of(engine))
            context.run_migrations()


run()
