"""What alembic runs for every command: with the models of the installed nouns, and portable defaults."""

import sys
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import DefaultClause, False_, True_
from sqlalchemy.sql.functions import now

from app.core.data.schema.drift import COMPARISON
from app.core.data.schema.engines import owner_url
from app.core.data.schema.running.applying import apply, print_statements
from app.core.data.schema.running.backoff import Backoff
from app.core.data.tables.choices import LONGEST, Choice
from app.installed import INSTALLED
from app.settings import load_settings

_PORTABLE: dict[type, str] = {False_: "sa.false()", True_: "sa.true()", now: "sa.func.now()"}


def render_item(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """Write defaults and types in a form for every database, and without what belongs to this program."""
    if kind == "type" and isinstance(item, Choice):
        return f"sa.String(length={LONGEST})"
    if kind == "server_default" and isinstance(item, DefaultClause) and isinstance(item.arg, str):
        return repr(item.arg)  # alembic would leave out a quote at its beginning or end
    if kind == "server_default" and isinstance(item, DefaultClause):
        return _PORTABLE.get(type(item.arg), False)
    return False


def run() -> None:
    """Run the command's migrations, or print what they would do on PostgreSQL."""
    told = context.config.attributes
    environment: Any = context  # the module stands for the environment of this command
    options: dict[str, Any] = {
        "target_metadata": told.get("metadata", INSTALLED[0].model.metadata),
        "declared": told.get("declared"),
        "backoff": told.get("backoff") or Backoff(),
        "trace": told.get("trace"),
        "render_item": render_item,
        **COMPARISON,
    }
    if context.is_offline_mode():
        print_statements(environment, options | {"output_buffer": sys.stdout})
    else:
        # Alembic's own command line names no URL.
        apply(environment, told.get("url") or owner_url(load_settings()), options)


run()
