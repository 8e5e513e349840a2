"""Health: is the process alive, and can it serve. Both are open, and neither tells more than that."""

import asyncio
from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.openapi import ResponseSpec
from litestar.params import SkipValidation
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.http.errors import RETRY_AFTER, Error

READY_WITHIN = 1.0  # seconds

Status = dict[str, str]


@get(
    "/health",
    public=True,
    unlimited=True,
    operation_id="health",
    summary="Is the process alive?",
    tags=["Health"],
    response_description="It is.",
)
async def health() -> Status:
    """Answer at once, and touch nothing."""
    return {"status": "ok"}


@get(
    "/health/ready",
    public=True,
    unlimited=True,
    operation_id="health_ready",
    summary="Can it serve?",
    tags=["Health"],
    response_description="It can.",
    responses={
        503: ResponseSpec(Error, description="It cannot: the database does not answer.", generate_examples=False)
    },
)
async def ready(db_engine: NamedDependency[SkipValidation[AsyncEngine]]) -> Status:
    """Ask the database, and answer 503 where it has not answered within a second."""
    if not await _answers(db_engine):
        raise HTTPException("The database does not answer", status_code=503, headers=RETRY_AFTER)
    return {"status": "ok"}


async def _answers(engine: AsyncEngine) -> bool:
    async def ask() -> Any:
        async with engine.connect() as connection:
            return await connection.scalar(text("SELECT 1"))

    task = asyncio.ensure_future(ask())
    done, _ = await asyncio.wait({task}, timeout=READY_WITHIN)
    if not done:
        task.cancel()  # and do not wait: the driver takes up to five seconds to give up on a frozen server
    return bool(done) and task.exception() is None
