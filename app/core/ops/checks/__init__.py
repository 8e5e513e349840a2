"""Checks: what an operator should know before a deployment serves. `@check(...)` adds one, also from a noun."""

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
