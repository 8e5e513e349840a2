"""OPTIONS: what `Allow` says."""

import pytest

from app.core.http.edge.options_requests import allow


@pytest.mark.parametrize(
    ("methods", "said"),
    [
        (["POST", "GET"], "GET, HEAD, POST"),
        (["GET", "HEAD"], "GET, HEAD"),
        (["PUT", "DELETE", "PUT"], "DELETE, PUT"),
        ([], ""),
    ],
)
def test_head_comes_with_get(methods: list[str], said: str) -> None:
    assert allow(methods) == said
