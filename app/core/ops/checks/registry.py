"""The list of checks, and how they run.

A check is an async generator that yields a sentence for each thing that it finds:

    @check("tasks.W001", hint="Archive what is done.")
    async def tasks_are_few(context: Context) -> Messages:
        ...
        yield "There are a million tasks."

A noun's belong into `checks.py` in its folder, which is imported when `app check` runs. E stands for an error, W for a
warning, I for what is only said; an id never changes its meaning.
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
    """What is checked; `app` is None where it does not start, which is a message of its own."""

    settings: Settings
    engine: AsyncEngine
    app: Litestar | None

    async def ask_postgres(self, statement: TextClause, **values: Any) -> Sequence[Any]:
        """Ask as the role that serves; SQLite, which has no roles, has no rows."""
        if self.engine.dialect.name != "postgresql":
            return []
        async with self.engine.connect() as connection:
            return (await connection.execute(statement, values)).all()


@dataclass(frozen=True, slots=True)
class Message:
    """What was found: a stable id, how bad it is, a sentence, and what to do about it."""

    id: str
    level: Level
    message: str
    hint: str

    @classmethod
    def of(cls, id: str, message: str, hint: str) -> "Message":
        """Return one with the level that its id says."""
        match = _ID.fullmatch(id)
        if match is None:
            raise ValueError(f"{id!r} is no id of a check; write it like tasks.W001 (E, W or I)")
        return cls(id, _LEVELS[match[1]], message, hint)

    def as_dict(self) -> dict[str, str]:
        """Return it for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Check:
    """A check, and when it runs."""

    id: str
    hint: str
    deploy: bool
    needs_database: bool
    find: Callable[[Context], Messages]


CHECKS: Final[dict[str, Check]] = {}

_UNREACHABLE: Final = Message.of(
    "data.E006",
    "The database cannot be reached.",
    "See that it runs and that DATABASE_URL and MIGRATION_DATABASE_URL name it; the rest is checked then.",
)


def check(
    id: str, *, hint: str, deploy: bool = False, needs_database: bool = False
) -> Callable[[Callable[[Context], Messages]], Callable[[Context], Messages]]:
    """Add a check; one that is for a deployment only runs with `--deploy`.

    One that needs the database is left out when another has found that it cannot be reached: each would wait again.

    Raises:
        ValueError: it is no id, or another check has it.
    """
    Message.of(id, "", hint)
    if id in CHECKS:
        raise ValueError(f"there is a check {id} already; choose the next number")

    def register(find: Callable[[Context], Messages]) -> Callable[[Context], Messages]:
        CHECKS[id] = Check(id, hint, deploy, needs_database, find)
        return find

    return register


async def run_checks(
    settings: Settings, make_app: Callable[[Settings], Litestar], *, deploy: bool = False
) -> list[Message]:
    """Return what the checks find, those for a deployment included if it is one; errors come first."""
    engine = make_engine(settings)
    found: list[Message] = []
    try:
        app, refusal = _started(settings, make_app)
        context = Context(settings, engine, app)
        for each in CHECKS.values():
            is_left_out = each.needs_database and _UNREACHABLE in found
            if (deploy or not each.deploy) and not is_left_out:
                found += await _run(each, context)
    finally:
        await engine.dispose()
    unique = dict.fromkeys([*refusal, *found])
    return sorted(unique, key=lambda message: list(_LEVELS.values()).index(message.level))


def _started(settings: Settings, make_app: Callable[[Settings], Litestar]) -> tuple[Litestar | None, list[Message]]:
    try:
        return make_app(settings), []
    except Exception as error:  # whatever it is, it is what an operator would see at the start
        message = f"The application does not start: {error}"
        return None, [Message.of("start.E001", message, "Correct it; nothing of its routes could be checked.")]


async def _run(each: Check, context: Context) -> list[Message]:
    try:
        return [Message.of(each.id, message, each.hint) async for message in each.find(context)]
    except SQLAlchemyError as error:
        if classify(error) is not Failure.AWAY:
            raise
        return [_UNREACHABLE]
