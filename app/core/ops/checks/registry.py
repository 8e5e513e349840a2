"""The register of checks, and how they run.

A check yields a sentence for each problem:

    @check("tasks.W001", hint="Archive the completed tasks.")
    async def tasks_are_few(context: Context) -> Messages:
        yield "There are a million tasks."

`app check` imports the `checks.py` of each noun. In an id, E is an error, W a warning and I an info. An id never
changes its meaning.
"""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from litestar import Litestar
from sqlalchemy import TextClause
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.data.connection.engine import make_engine
from app.core.data.connection.failures import Failure, classify
from app.settings import Settings

Level = Literal["error", "warning", "info"]
Messages = AsyncIterator[str]

_LEVELS: Final[dict[str, Level]] = {"E": "error", "W": "warning", "I": "info"}
_ID: Final = re.compile(r"[a-z][a-z0-9_]*\.([EWI])\d{3}")


@dataclass(frozen=True, slots=True)
class Context:
    """The input of a check. `app` is None if the application does not start, which start.E001 reports."""

    settings: Settings
    engine: AsyncEngine
    app: Litestar | None

    async def ask_postgres(self, statement: TextClause, **values: Any) -> Sequence[Any]:
        """Run a query as the role that serves; return no rows on SQLite, which has no roles."""
        if self.engine.dialect.name != "postgresql":
            return []
        async with self.engine.connect() as connection:
            return (await connection.execute(statement, values)).all()


@dataclass(frozen=True, slots=True)
class Message:
    """A problem that a check has found: a stable id, a level, a sentence, and a hint."""

    id: str
    level: Level
    message: str
    hint: str

    @classmethod
    def of(cls, id: str, message: str, hint: str) -> "Message":
        """Return a message with the level of its id; raise ValueError if the id is not valid."""
        match = _ID.fullmatch(id)
        if match is None:
            raise ValueError(f"{id!r} is not a valid id of a check; write it like tasks.W001 (E, W or I)")
        return cls(id, _LEVELS[match[1]], message, hint)

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Check:
    """A check and the conditions under which it runs."""

    id: str
    hint: str
    deploy: bool
    needs_database: bool
    find: Callable[[Context], Messages]


CHECKS: Final[dict[str, Check]] = {}

_UNREACHABLE: Final = Message.of(
    "data.E006",
    "The database cannot be reached.",
    "Start it, correct DATABASE_URL and MIGRATION_DATABASE_URL, and run the checks again.",
)


def check(
    id: str, *, hint: str, deploy: bool = False, needs_database: bool = False
) -> Callable[[Callable[[Context], Messages]], Callable[[Context], Messages]]:
    """Register a check. With `deploy`, it runs only in `app check --deploy`."""
    Message.of(id, "", hint)
    if id in CHECKS:
        raise ValueError(f"the check {id} exists already; choose the next number")

    def register(find: Callable[[Context], Messages]) -> Callable[[Context], Messages]:
        CHECKS[id] = Check(id, hint, deploy, needs_database, find)
        return find

    return register


async def run_checks(
    settings: Settings, make_app: Callable[[Settings], Litestar], *, deploy: bool = False
) -> list[Message]:
    """Run the checks, with `deploy` also those of a deployment. Return the messages, errors first."""
    engine = make_engine(settings)
    found: list[Message] = []
    try:
        app, refusal = _started(settings, make_app)
        context = Context(settings, engine, app)
        for each in CHECKS.values():
            # If the database is away, each further check would wait for it again.
            is_skipped = each.needs_database and _UNREACHABLE in found
            if (deploy or not each.deploy) and not is_skipped:
                found += await _run(each, context)
    finally:
        await engine.dispose()
    unique = dict.fromkeys([*refusal, *found])
    return sorted(unique, key=lambda message: list(_LEVELS.values()).index(message.level))


def _started(settings: Settings, make_app: Callable[[Settings], Litestar]) -> tuple[Litestar | None, list[Message]]:
    try:
        return make_app(settings), []
    except Exception as error:  # any failure of the start is a message for the operator
        message = f"The application does not start: {error}"
        return None, [Message.of("start.E001", message, "Correct this first; the routes could not be checked.")]


async def _run(each: Check, context: Context) -> list[Message]:
    try:
        return [Message.of(each.id, message, each.hint) async for message in each.find(context)]
    except SQLAlchemyError as error:
        if classify(error) is not Failure.AWAY:
            raise
        return [_UNREACHABLE]
