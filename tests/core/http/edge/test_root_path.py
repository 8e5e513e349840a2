"""Below a path: what comes in is found, and what goes out leads back, for each route and each page."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar, Response, get

from app.asgi import create_app
from app.core.auth.tokens import issue_token
from app.core.http.docs.assets import PATH
from app.installed import INSTALLED
from app.testing.clients import Client, assert_error
from app.testing.databases import SECRET, SqliteDatabases, settings_for_tests
from tests.core.http.bodies import Resource, valid_body
from tests.parts.nginx import in_front_of, needs_nginx
from tests.parts.resources import every_resource
from tests.parts.serving import NO_TLS, serving

ROOT = "/backend/v1"
HEADERS = {"Authorization": f"Bearer {issue_token('alice', SECRET.encode(), 3600)}"}


class Below(httpx.AsyncClient):
    """A client of the application as a server below a path gives it its requests: with the path, as ASGI has it."""

    def __init__(self, app: Litestar, root: str = ROOT) -> None:
        transport = httpx.ASGITransport(app, root_path=root)  # type: ignore[arg-type]  # two spellings of ASGI's types
        super().__init__(transport=transport, base_url="http://testserver", headers=HEADERS)


@every_resource
async def test_links_lead_below_the_path(app: Litestar, client: Client, resource: Resource) -> None:
    below = Below(app)
    for _ in range(3):
        created = await below.post(ROOT + resource.path, json=await valid_body(client, resource))
        assert created.headers["location"] == f"{ROOT}{resource.path}/{created.json()['id']}"
        assert (await below.get(created.headers["location"])).json() == created.json()
    seen, page = list[Any](), f"{ROOT}{resource.path}?limit=1"
    while page:
        answer = await below.get(page)
        seen += answer.json()
        page = answer.links.get("next", {}).get("url", "")
        assert all(link["url"].startswith(f"{ROOT}{resource.path}?") for link in answer.links.values())

    assert seen == (await client.get(resource.path)).json()
    assert len(seen) == 3


@pytest.mark.any_database
@pytest.mark.parametrize("root", [ROOT, "/api", "/a", "/s", "/schema", "/api/tasks", "/health"])
async def test_every_route_answers_below_any_path_as_it_does_without(app: Litestar, client: Client, root: str) -> None:
    below = Below(app, root)
    paths = [*(resource.path for resource in INSTALLED), "/health", "/health/ready", "/nothing", "/", "", "/api//tasks"]
    for path in paths:
        for method in ("GET", "HEAD", "OPTIONS", "PATCH", "DELETE"):
            expected = await client.request(method, f"http://testserver{path}")
            answer = await below.request(method, f"http://testserver{root}{path}")
            assert (answer.status_code, answer.content) == (expected.status_code, expected.content), (method, path)


@pytest.mark.any_database
@pytest.mark.parametrize("page", ["/schema", "/schema/", "/schema/swagger"])
async def test_the_docs_load_below_the_path(live_app: Litestar, page: str) -> None:
    below = Below(live_app)
    answer = await below.get(ROOT + page)
    links = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']?(/[^"'\s>]+)""", answer.text)

    assert answer.status_code == 200
    assert len(links) == 3
    for link in links:
        assert link.startswith(f"{ROOT}/schema/")
        assert (await below.get(link)).status_code == 200
    assert ROOT not in (await Client(live_app).get(page)).text


@pytest.mark.any_database
async def test_the_document_says_where_its_paths_begin(live_app: Litestar) -> None:
    for client, path, url in (
        (Below(live_app), ROOT, ROOT),
        (Client(live_app), "", "/"),
        (Below(live_app), ROOT, ROOT),
    ):
        document = (await client.get(f"{path}/schema/openapi.json")).json()

        assert document["servers"] == [{"url": url}]
        assert not any(ROOT in each for each in document["paths"])


@pytest.mark.any_database
async def test_other_addresses_are_left_alone(sqlite_databases: SqliteDatabases) -> None:
    elsewhere = {"location": "https://example.com/x", "link": '<https://example.com/>; rel="a", </b>; rel="b"'}

    @get("/away", public=True)
    async def away() -> Response[None]:
        return Response(None, headers=elsewhere)

    app = create_app(settings_for_tests(sqlite_databases.fresh()))
    app.register(away)
    answer = await Below(app).get(f"{ROOT}/away")

    assert answer.headers["location"] == elsewhere["location"]
    assert answer.headers["link"] == f'<https://example.com/>; rel="a", <{ROOT}/b>; rel="b"'


@pytest.mark.slow
@needs_nginx
def test_a_proxy_serves_it_below_a_path(sqlite_databases: SqliteDatabases, tmp_path: Path) -> None:
    with (
        serving(sqlite_databases.fresh(), tmp_path / "log", "--root-path", f"{ROOT}/") as server,
        in_front_of([server.port], tmp_path, f"{ROOT}/") as url,
        httpx.Client(headers=HEADERS, verify=NO_TLS) as client,
    ):
        host = url.removesuffix(ROOT)
        created = client.post(f"{url}/api/tasks", json={"title": "below"})
        assert client.get(host + created.headers["location"]).json() == created.json()
        assert client.post(f"{url}/api/tasks", json={"title": "again"}).status_code == 201
        page = client.get(f"{url}/api/tasks?limit=1")
        assert client.get(host + page.links["next"]["url"]).json()[0]["title"] == "again"
        assert client.get(f"{url}/schema/openapi.json").json()["servers"] == [{"url": ROOT}]
        for link in re.findall(rf"{PATH}/[a-z_.]+", client.get(f"{url}/schema").text):
            assert client.get(url + link).status_code == 200
        assert_error(client.get(f"{url}/api/tasks/0"), 404)
