"""Health: alive without asking anybody."""

from sqlalchemy.ext.asyncio import AsyncEngine

from app.testing.clients import Client
from app.testing.counting import count_statements


async def test_a_process_is_alive_whatever_the_database_does(anonymous: Client, engine: AsyncEngine) -> None:
    with count_statements(engine) as executed:
        answer = await anonymous.get("/health", params={"probe": "1"})

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert executed == []
