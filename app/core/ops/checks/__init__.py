"""The checks of `app check`. `@check(...)` adds one, in this package or in the `checks.py` of a noun."""

from app.core.ops.checks import database, distribution, environment, rls_bypasses, routes, rows, tables
from app.core.ops.checks.registry import Context, Message, Messages, check, run_checks

__all__ = [
    "Context",
    "Message",
    "Messages",
    "check",
    "database",
    "distribution",
    "environment",
    "rls_bypasses",
    "routes",
    "rows",
    "run_checks",
    "tables",
]
