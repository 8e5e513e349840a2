"""What row level security costs: CPU time per request of the application, with the policies and without.

    uv run python -m tests.benchmarks.policies

Requests go straight to the application in this process, without an HTTP server, to a PostgreSQL that comes along. The
two variants take turns, so that a slow moment of the machine hits both; the median of the rounds counts.
"""

import asyncio
import json
import logging
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Litestar

from app.asgi import create_app
from app.core.auth.tokens import issue_token
from app.testing.databases import SECRET, Databases, RestrictedDatabases, postgres_databases, settings_for_tests

ROUNDS, REQUESTS, ROWS = 7, 400, 100
HEADERS = [
    (b"authorization", f"Bearer {issue_token('alice', SECRET.encode(), 3600)}".encode()),
    (b"content-type", b"application/json"),
]
Send = Callable[[str, str, dict[str, Any] | None], Awaitable[bytes]]


def sender(app: Litestar) -> Send:
    """Return a function that sends a request to the application and returns the body of a good answer."""

    async def send(method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
        answer: list[Any] = []
        content = json.dumps(body).encode() if body else b""
        headers = [*HEADERS, (b"content-length", str(len(content)).encode())]
        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
        }
        scope |= {"headers": headers, "http_version": "1.1", "scheme": "http", "server": ("bench", 80)}
        scope |= {"client": ("bench", 1), "root_path": "", "extensions": {}, "asgi": {"version": "3.0"}}

        async def receive() -> Any:
            return {"type": "http.request", "body": content, "more_body": False}

        async def keep(message: Any) -> None:
            answer.append(message)

        await app(scope, receive, keep)  # type: ignore[arg-type]  # a scope by hand
        if answer[0]["status"] >= 300:
            raise RuntimeError(f"{method} {path}: {answer[0]['status']} {answer[1]['body']!r}")
        return bytes(answer[1].get("body", b""))

    return send


async def measure(send: Send) -> dict[str, float]:
    """Return the CPU time of one request in microseconds, for each operation."""
    created = json.loads(await send("POST", "/api/tasks", {"title": "measured"}))
    path = f"/api/tasks/{created['id']}"
    operations: dict[str, Callable[[], Awaitable[bytes]]] = {
        f"list {ROWS}": lambda: send("GET", "/api/tasks", None),
        "get": lambda: send("GET", path, None),
        "create": lambda: send("POST", "/api/tasks", {"title": "measured"}),
        "update": lambda: send("PATCH", path, {"completed": True}),
    }
    found = {}
    for name, operation in operations.items():
        began = time.process_time()
        for _ in range(REQUESTS):
            await operation()
        found[name] = (time.process_time() - began) / REQUESTS * 1e6
    return found


async def main() -> None:
    """Measure and print."""
    logging.disable(logging.CRITICAL)
    with postgres_databases() as databases:
        sources: dict[str, Databases] = {"without": databases, "with": RestrictedDatabases(databases)}
        apps = {name: create_app(settings_for_tests(source.fresh())) for name, source in sources.items()}
        results: dict[str, list[dict[str, float]]] = {name: [] for name in apps}
        async with apps["without"].lifespan(), apps["with"].lifespan():
            for app in apps.values():
                for number in range(ROWS):
                    await sender(app)("POST", "/api/tasks", {"title": f"row {number}"})
            for _ in range(ROUNDS):
                for name, app in apps.items():
                    results[name].append(await measure(sender(app)))
    print(f"{'CPU µs per request':20}{'without':>10}{'with':>10}{'more':>10}")  # noqa: T201
    for operation in results["with"][0]:
        without, held = (statistics.median(r[operation] for r in results[name]) for name in ("without", "with"))
        print(f"{operation:20}{without:10.0f}{held:10.0f}{held - without:10.0f}")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
