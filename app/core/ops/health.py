"""Health: the probes `/health` (the process is alive) and `/health/ready` (it can serve)."""

from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import SkipValidation

from app.core.http.exception_handlers import RETRY_AFTER, AnyRequest
from app.core.http.problems import Problem
from app.core.ops.readiness import NO_ANSWER, Readiness
from app.core.ops.server.protocol import DRAINING

Status = dict[str, str]


@get(
    "/health",
    public=True,
    probe=True,
    operation_id="health",
    summary="Is the process alive?",
    tags=["Health"],
    response_description="It is.",
)
async def health() -> Status:
    """Answer at once, without the database."""
    return {"status": "ok"}


@get(
    "/health/ready",
    public=True,
    probe=True,
    operation_id="health_ready",
    summary="Can it serve?",
    tags=["Health"],
    response_description="It can.",
    responses={
        503: ResponseSpec(
            Problem,
            description="It cannot; `detail` is the reason.",
            generate_examples=False,
            examples=[Example(value={"detail": NO_ANSWER})],
        )
    },
)
async def ready(request: AnyRequest, readiness: NamedDependency[SkipValidation[Readiness]]) -> Status:
    """Check that requests can be served. `detail` of a 503 is the reason."""
    obstacle = await readiness.obstacle(is_draining=DRAINING in request.scope["state"])
    if obstacle:
        raise HTTPException(obstacle, status_code=503, headers=RETRY_AFTER)
    return {"status": "ok"}
