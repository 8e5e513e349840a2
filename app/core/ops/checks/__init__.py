"""The checks of `app check`. `@check(...)` adds one, in this package or in the `checks.py` of a noun."""

from app.core.ops.checks import database, detours, environment, routes, spreading, tables
from app.core.ops.checks.registry import Context, Message, Messages, check, run_checks

__all__ = [
    "Context",
    "Message",
    "Messages",
    "check",
    "database",
    "detours",
    "environment",
    "routes",
    "run_checks",
    "spreading",
    "tables",
]
