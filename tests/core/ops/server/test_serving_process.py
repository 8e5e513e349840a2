"""The process: how many connections it may have, whatever the system grants."""

import resource

import pytest

from app.core.ops.server.serving_process import MAX_CONNECTIONS, raise_descriptor_limit

pytestmark = pytest.mark.any_database


@pytest.mark.parametrize(
    "error", [None, ValueError("current limit exceeds maximum limit"), OSError(1, "not permitted")]
)
@pytest.mark.parametrize(("soft", "hard"), [(256, resource.RLIM_INFINITY), (256, 1024), (1_048_576, 1_048_576)])
def test_the_system_decides_how_many_connections_there_may_be(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, error: Exception | None
) -> None:
    granted = [soft]

    def set_limit(_: int, limits: tuple[int, int]) -> None:
        if error:
            raise error
        granted.append(limits[0])

    monkeypatch.setattr("resource.getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr("resource.setrlimit", set_limit)

    allowed = raise_descriptor_limit(reserved=20)

    assert allowed == min(MAX_CONNECTIONS, granted[-1] - 84)
    assert granted[-1] <= (65_536 if hard == resource.RLIM_INFINITY else hard)
