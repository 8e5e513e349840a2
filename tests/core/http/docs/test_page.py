"""The docs page: it loads from here alone, and lets nothing run but what it is made of."""

import re
from base64 import b64encode
from hashlib import sha256

import pytest
from litestar import Litestar

from app.asgi import create_app
from app.core.http.docs.assets import PATH, SCRIPT
from app.testing.clients import Client
from app.testing.databases import settings_for_tests

pytestmark = pytest.mark.any_database


@pytest.mark.parametrize("page", ["/schema", "/schema/", "/schema/swagger"])
async def test_the_page_loads_without_a_token_and_from_nowhere_else(live_app: Litestar, page: str) -> None:
    anonymous = Client(live_app)
    answer = await anonymous.get(page)
    links = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'\s>]+)""", answer.text)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert len(links) > 2
    assert [link for link in links if not re.match(r"/(?!/)|data:", link)] == []
    assert not re.search(r"""@import|url\(\s*["']?(?:https?:)?//""", answer.text)
    for link in links:
        if link.startswith("/"):
            assert (await anonymous.get(link)).status_code == 200


@pytest.mark.parametrize("page", ["/schema", "/schema/swagger"])
async def test_the_page_has_a_policy_that_knows_its_own_script_and_style_by_their_hash(
    live_app: Litestar, page: str
) -> None:
    answer = await Client(live_app).get(page)
    (policy,) = answer.headers.get_list("content-security-policy")
    directives = {name: values for name, *values in (part.split() for part in policy.split(";"))}

    assert directives["default-src"] == ["'none'"]
    assert directives["frame-ancestors"] == ["'none'"]
    for tag in ("script", "style"):
        (inline,) = re.findall(rf"<{tag}[^>]*>([^<].*?)</{tag}>", answer.text, re.DOTALL)
        digest = b64encode(sha256(inline.encode()).digest()).decode()
        assert directives[f"{tag}-src"] == ["'self'", f"'sha256-{digest}'"]
    assert "unsafe" not in policy


async def test_what_is_no_page_keeps_the_policy_of_everything_else(live_app: Litestar) -> None:
    for path in ("/schema/openapi.json", "/schema/nothing", f"{PATH}/{SCRIPT}"):
        policy = (await Client(live_app).get(path)).headers.get_list("content-security-policy")

        assert policy == ["default-src 'none'; frame-ancestors 'none'"]


@pytest.mark.parametrize(("app_env", "keeps"), [("development", "true"), ("production", "false")])
async def test_only_in_development_the_page_keeps_a_token(app_env: str, keeps: str) -> None:
    settings = settings_for_tests("sqlite:///never-opened.db", app_env=app_env, allowed_hosts="testserver")
    page = await Client(create_app(settings)).get("/schema")

    assert f"persistAuthorization: {keeps}," in page.text


async def test_the_page_fetches_the_document_instead_of_holding_a_copy(live_app: Litestar) -> None:
    page = await Client(live_app).get("/schema")

    assert "url: '/schema/openapi.json'" in page.text
    assert len(page.content) < 3000
