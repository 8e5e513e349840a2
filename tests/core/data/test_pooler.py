"""Behind a pooler that hands connections around by the transaction, nobody reads another's rows."""

import asyncio
import os
import pwd
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from litestar import Litestar
from sqlalchemy import URL, make_url

from app.asgi import create_app
from app.installed import INSTALLED
from app.testing.callers import Client
from app.testing.databases import Databases, settings_for_tests
from tests.core.http.bodies import valid_body

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
USERS = [f"user-{number}" for number in range(12)]
ROUNDS = 8

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed")


def configuration(database: URL, port: int) -> str:
    given = {
        "host": database.host or database.query["host"],
        "port": database.port or 5432,
        "dbname": database.database,
        "user": database.username,
        "password": database.password,
    }
    return f"""
[databases]
pooled = {" ".join(f"{name}='{value}'" for name, value in given.items() if value)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
server_login_retry = 1
"""


def written(text: str, folder: Path) -> Path:
    folder.chmod(0o755)
    path = folder / "pgbouncer.ini"
    path.write_text(text)
    return path


def owner_of(path: str) -> str:
    return pwd.getpwuid(Path(path).stat().st_uid).pw_name


async def answers(port: int) -> None:
    for _ in range(100):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    pytest.fail("pgbouncer does not listen")


@pytest.fixture(params=["owner", "restricted"])
async def pooled_app(
    request: pytest.FixtureRequest, postgres: Databases, restricted: Databases
) -> AsyncIterator[Litestar]:
    """The application behind PgBouncer, twelve users on two connections; with and without the policies."""
    database = make_url((restricted if request.param == "restricted" else postgres).fresh())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # It refuses to run as root, and must reach a socket that the server keeps for itself.
    socket_folder = str(database.query.get("host", ""))
    as_user = ["-u", owner_of(socket_folder) if socket_folder else "nobody"] if os.geteuid() == 0 else []
    with TemporaryDirectory() as folder:
        ini = written(configuration(database, port), Path(folder))
        process = await asyncio.create_subprocess_exec(str(PGBOUNCER), "-q", *as_user, str(ini))
        try:
            await answers(port)
            app = create_app(settings_for_tests(f"postgresql://anyone@127.0.0.1:{port}/pooled"))
            async with app.lifespan():
                yield app
        finally:
            process.terminate()
            await process.wait()


async def test_many_users_on_few_connections_read_their_own_rows_only(pooled_app: Litestar) -> None:
    controller = INSTALLED[0]

    async def live(user: str) -> None:
        client = Client(pooled_app, user)
        for number in range(1, ROUNDS + 1):
            created = await client.post(controller.path, json=await valid_body(client, controller))
            assert created.status_code == 201, created.text
            rows = (await client.get(controller.path)).json()
            assert {row["user_id"] for row in rows} == {user}
            assert len(rows) == number

    await asyncio.gather(*(live(user) for user in USERS))
