"""Alembic's environment, which runs for every command, with the models of the installed nouns."""

import sys
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import DefaultClause, False_, True_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.functions import now

from app.core.data.schema.drift import COMPARISON
from app.core.data.schema.engines import owner_url
from app.core.data.schema.running.applying import apply, print_statements
from app.core.data.schema.running.backoff import Backoff
from app.core.data.tables.choices import LONGEST, Choice
from app.core.data.tables.folds import Fold
from app.core.data.tables.row_ids import RowIdList
from app.core.data.tables.stored_types import StoredType
from app.installed import INSTALLED
from app.settings import load_settings

_TYPES: dict[type, str] = {
    Choice: f"sa.String(length={LONGEST})",
    Fold: """sa.Text().with_variant(sa.Text(collation="C"), 'postgresql')""",
    RowIdList: "sa.Text().with_variant(postgresql.JSONB(), 'postgresql')",
    JSONB: "postgresql.JSONB()",
}
_DEFAULTS: dict[type, str] = {False_: "sa.false()", True_: "sa.true()", now: "sa.func.now()"}


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Render types and defaults for both databases, without imports of this application."""
    if kind == "type":
        return _render_type(item, autogen)
    if kind == "server_default" and isinstance(item, DefaultClause) and isinstance(item.arg, str):
        return repr(item.arg)  # alembic strips quotes at both ends
    if kind == "server_default" and isinstance(item, DefaultClause):
        return _DEFAULTS.get(type(item.arg), False)
    return False


def _render_type(item: Any, autogen: AutogenContext) -> str | Literal[False]:
    if isinstance(item, StoredType | RowIdList | JSONB):
        autogen.imports.add("from sqlalchemy.dialects import postgresql")
    if isinstance(item, StoredType):
        return item.in_migrations
    return next((code for kind, code in _TYPES.items() if isinstance(item, kind)), False)


def run() -> None:
    """Run the migrations of the present command, or print their SQL for PostgreSQL."""
    attributes = context.config.attributes
    environment: Any = context  # the module is a proxy for the EnvironmentContext of this command
    options: dict[str, Any] = {
        "target_metadata": attributes.get("metadata", INSTALLED[0].model.metadata),
        "declared": attributes.get("declared"),
        "backoff": attributes.get("backoff") or Backoff(),
        "trace": attributes.get("trace"),
        "render_item": render_item,
        **COMPARISON,
    }
    if context.is_offline_mode():
        print_statements(environment, options | {"output_buffer": sys.stdout})
    else:
        url = attributes.get("url") or owner_url(load_settings())  # alembic's own commands give no URL
        apply(environment, url, options)


run()
