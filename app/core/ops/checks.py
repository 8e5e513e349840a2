"""Checks: what an operator should know before a deployment serves. A check yields findings, each with its cure."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.data.engine import make_engine
from app.core.data.migrations import pending
from app.settings import Settings

_ROLE: Final = text("""
    SELECT current_user AS name, rolsuper OR rolbypassrls AS bypasses,
        (SELECT coalesce(bool_and(row_security_active(oid)), true) FROM pg_class
         WHERE relrowsecurity AND relkind IN ('r', 'p')) AS is_held
    FROM pg_roles WHERE rolname = current_user
""")


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found: a stable id, how bad it is, a sentence, and what to do about it."""

    id: str
    level: Literal["error", "warning"]
    message: str
    cure: str


Check = Callable[[Settings, AsyncEngine], AsyncIterator[Finding]]


async def check_migrations(settings: Settings, _: AsyncEngine) -> AsyncIterator[Finding]:
    """The database has every migration that this version has."""
    if missing := pending(settings):
        yield Finding("data.E001", "error", f"The database lacks {', '.join(missing)}.", "Run `app migrate`.")


async def check_role(_: Settings, engine: AsyncEngine) -> AsyncIterator[Finding]:
    """Row level security holds for the role that serves."""
    if engine.dialect.name != "postgresql":
        return
    async with engine.connect() as connection:
        role = (await connection.execute(_ROLE)).one()
    if role.bypasses:
        message = f"The role {role.name!r} bypasses row level security (superuser or BYPASSRLS)."
    elif not role.is_held:
        message = f"The role {role.name!r} owns the tables, so row level security does not hold for it."
    else:
        return
    yield Finding("security.W001", "warning", message, "Serve with a role of its own; the README has the SQL.")


CHECKS: Final[tuple[Check, ...]] = (check_migrations,)
DEPLOY_CHECKS: Final[tuple[Check, ...]] = (check_role,)


async def run_checks(settings: Settings, *, deploy: bool) -> list[Finding]:
    """Return what the checks find, those for a deployment included if it is one."""
    engine = make_engine(settings)
    try:
        checks = CHECKS + DEPLOY_CHECKS if deploy else CHECKS
        return [finding for check in checks async for finding in check(settings, engine)]
    finally:
        await engine.dispose()
