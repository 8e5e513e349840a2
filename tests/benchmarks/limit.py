"""The limit: what one Python process can do with this table, without a framework, a session or a rule.

One autocommitted statement per request, rows straight into msgspec's structs, and valid tokens remembered.
"""

import os
from datetime import datetime
from typing import Any

import jwt
import msgspec
from psycopg_pool import AsyncConnectionPool  # type: ignore[import-not-found]  # no dependency of the project  # type: ignore[import-not-found]  # no dependency of the project  # type: ignore[import-not-found]  # no dependency of the project  # type: ignore[import-not-found]  # no dependency of the project  # type: ignore[import-not-found]  # no dependency of the project  # type: ignore[import-not-found]  # no dependency of the project  # type: ignore[import-not-found]  # no dependency of the project  # type: ignore[import-not-found]  # no dependency of the project  # type: ignore[import-not-found]  # no dependency of the project  # type: ignore[import-not-found]  # no dependency of the project  # type: ignore[import-not-found]  # no dependency of the project  # type: ignore[import-not-found]  # no dependency of the project  # type: ignore[import-not-found]  # no dependency of the project  # type: ignore[import-not-found]  # no dependency of the project  # type: ignore[import-not-found]  # no dependency of the project  # type: ignore[import-not-found]  # no dependency of the project

COLUMNS = "id, user_id, title, description, completed, created_at, updated_at"
LIST = f"SELECT {COLUMNS} FROM tasks WHERE user_id = %s ORDER BY id LIMIT 100"
GET = f"SELECT {COLUMNS} FROM tasks WHERE id = %s AND user_id = %s"
CREATE = f"INSERT INTO tasks (user_id, title, description) VALUES (%s, %s, %s) RETURNING {COLUMNS}"
UPDATE = f"UPDATE tasks SET title = %s, updated_at = now() WHERE id = %s AND user_id = %s RETURNING {COLUMNS}"


class Task(msgspec.Struct):
    id: int
    user_id: str
    title: str
    description: str | None
    completed: bool
    created_at: datetime
    updated_at: datetime


class TaskIn(msgspec.Struct):
    title: str
    description: str | None = None


decode = msgspec.json.Decoder(TaskIn).decode
encode = msgspec.json.Encoder().encode
pool: Any = AsyncConnectionPool(
    os.environ["DATABASE_URL"], min_size=20, max_size=20, open=False, kwargs={"autocommit": True}
)
known: dict[bytes, str] = {}


def user_of(headers: list[tuple[bytes, bytes]]) -> str:
    value = dict(headers)[b"authorization"]
    if value not in known:
        token = value.removeprefix(b"Bearer ")
        known[value] = jwt.decode(token, os.environ["BETTER_AUTH_SECRET"], algorithms=["HS256"])["sub"]
    return known[value]


async def rows(statement: str, *values: object) -> list[Task]:
    async with pool.connection() as connection:
        cursor = await connection.cursor(binary=True).execute(statement, values)
        return [Task(*row) for row in await cursor.fetchall()]


async def answer(scope: Any, receive: Any) -> tuple[int, Any]:
    if scope["path"] == "/health":
        return 200, {"status": "ok"}
    user, row_id = user_of(scope["headers"]), scope["path"][len("/api/tasks/") :]
    match scope["method"], bool(row_id):
        case "GET", False:
            return 200, await rows(LIST, user)
        case "GET", True:
            found = await rows(GET, int(row_id), user)
        case "POST", False:
            task = decode((await receive())["body"])
            return 201, (await rows(CREATE, user, task.title, task.description))[0]
        case _:
            found = await rows(UPDATE, decode((await receive())["body"]).title, int(row_id), user)
    return (200, found[0]) if found else (404, {"detail": "Task not found"})


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await pool.open(wait=True)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await pool.close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    status, content = await answer(scope, receive)
    body = encode(content)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
