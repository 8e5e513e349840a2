"""What browsers make of the headers: a script of another origin calls all of the API, and the docs keep their policy.

It takes the package playwright and a Chromium; where one is missing these tests are left out.
"""

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import pytest

from app.core.auth.tokens import issue_token
from app.testing.databases import SECRET
from tests.parts.serving import serving

CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
TOKEN: Final = issue_token("alice", SECRET.encode(), 3600)
CALL: Final = """async ([url, method, token, body, headers]) => {
    const answer = await fetch(url, {
        method, body: body && JSON.stringify(body),
        headers: {
            ...(token && {Authorization: `Bearer ${token}`}),
            ...(body && {'Content-Type': 'application/json'}),
            ...headers,
        },
    });
    const text = await answer.text();
    return {status: answer.status, headers: Object.fromEntries(answer.headers), body: text && JSON.parse(text)};
}"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")]


class EmptyPage(BaseHTTPRequestHandler):
    """Somebody's frontend."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!DOCTYPE html><link rel=icon href='data:,'><title>A frontend</title>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def frontend() -> Iterator[str]:
    """The origin of a page that is not the API's."""
    with ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def api(frontend: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of the API, in a process of its own, which lets the frontend's scripts call."""
    folder = tmp_path_factory.mktemp("browser")
    database, log = f"sqlite:///{folder}/app.db", folder / "log"
    with serving(database, log, CORS_ORIGINS=frontend, RATE_LIMIT="30/hour") as server:
        yield server.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page whose console is kept in `page.said`."""
    page = browser.new_page()
    page.said = []
    page.on("console", lambda message: page.said.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: page.said.append(str(error)))
    yield page
    page.close()


def call(page: Any, url: str, method: str = "GET", token: str | None = TOKEN, **more: Any) -> dict[str, Any]:
    answer = page.evaluate(CALL, [url, method, token, more.get("body"), more.get("headers", {})])
    assert isinstance(answer, dict)
    return answer


def test_a_script_of_another_origin_does_all_that_there_is_and_reads_every_error(
    page: Any, api: str, frontend: str
) -> None:
    page.goto(frontend)
    tasks = f"{api}/api/tasks"

    refused = call(page, tasks, token=None)
    assert (refused["status"], refused["body"]) == (401, {"detail": "Authentication required"})
    assert refused["headers"]["www-authenticate"] == "Bearer"
    assert call(page, tasks, token="a.b.c")["body"] == {"detail": "Invalid or expired token"}

    created = call(page, tasks, "POST", body={"title": "Buy milk"})
    assert created["status"] == 201
    one = api + created["headers"]["location"]
    assert call(page, one)["body"] == created["body"]
    assert call(page, one, "PUT", body={"title": "Buy tea"})["body"]["title"] == "Buy tea"
    assert call(page, one, "PATCH", body={"completed": True})["body"]["completed"] is True
    call(page, tasks, "POST", body={"title": "Another"})
    listed = call(page, f"{tasks}?limit=1", headers={"Prefer": "count=exact", "X-Request-ID": "from-the-page"})
    assert (listed["status"], len(listed["body"])) == (200, 1)
    assert {"link", "x-total-count", "preference-applied", "ratelimit-remaining"} <= set(listed["headers"])
    assert listed["headers"]["x-request-id"] == "from-the-page"
    assert call(page, tasks, "POST", body={"title": ""})["body"]["errors"][0]["loc"] == ["body", "title"]
    assert call(page, one, "DELETE")["status"] == 204
    assert call(page, one)["status"] == 404
    assert call(page, tasks, "DELETE")["status"] == 405
    assert call(page, f"{api}/nothing")["status"] == 404

    answers = [call(page, tasks) for _ in range(30)]
    assert (answers[0]["status"], answers[-1]["status"]) == (200, 429)
    assert int(answers[-1]["headers"]["retry-after"]) > 0


def test_a_script_of_an_origin_that_is_not_listed_reads_nothing(page: Any, api: str, frontend: str) -> None:
    page.goto(frontend.replace("localhost", "127.0.0.1"))

    for token in (TOKEN, None):
        with pytest.raises(Exception, match="Failed to fetch"):
            call(page, f"{api}/api/tasks", token=token)


def test_the_docs_page_works_under_its_policy(page: Any, api: str) -> None:
    page.goto(f"{api}/schema")
    page.wait_for_selector("#operations-Tasks-tasks_list")
    page.click("button.authorize")
    page.fill(".auth-container input", TOKEN)
    page.click(".auth-btn-wrapper button.authorize")
    page.click("button.btn-done")
    page.click("#operations-Health-health .opblock-summary-control")
    page.click("#operations-Health-health .try-out__btn")
    page.click("#operations-Health-health .execute")
    page.wait_for_selector("#operations-Health-health .live-responses-table .response-col_status:has-text('200')")
    page.click("#operations-Tasks-tasks_create .opblock-summary-control")
    page.wait_for_selector("#operations-Tasks-tasks_create .model-example")

    assert page.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_docs_page_has_the_browsers_colours_and_fits_its_width(
    browser: Any, api: str, scheme: str, width: int
) -> None:
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.goto(f"{api}/schema")
    page.click("#operations-Tasks-tasks_update .opblock-summary-control")
    page.wait_for_selector("#operations-Tasks-tasks_update .response[data-code='503']")

    colour = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert colour == ("rgb(28, 32, 34)" if scheme == "dark" else "rgba(0, 0, 0, 0)")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("#operations-Tasks-tasks_update").bounding_box()["height"] < 2200
    assert '"completed": true' in page.inner_text("#operations-Tasks-tasks_update .opblock-section-request-body")
    page.close()


def test_the_docs_page_shows_the_body_of_an_error_that_came_and_keeps_the_token(page: Any, api: str) -> None:
    page.goto(f"{api}/schema")
    page.click("button.authorize")
    assert "app token" in page.inner_text(".auth-container")
    page.fill(".auth-container input", issue_token("bob", SECRET.encode(), 3600))  # whose rate is unspent
    page.click(".auth-btn-wrapper button.authorize")
    page.reload()
    page.click("#operations-Tasks-tasks_get .opblock-summary-control")
    page.click("#operations-Tasks-tasks_get .try-out__btn")
    page.fill("#operations-Tasks-tasks_get input[placeholder=id]", "999")
    page.click("#operations-Tasks-tasks_get .execute")
    page.wait_for_selector("#operations-Tasks-tasks_get .live-responses-table .response-col_status:has-text('404')")

    assert "Task not found" in page.inner_text("#operations-Tasks-tasks_get .live-responses-table")


def test_the_policy_of_the_docs_page_holds(page: Any, api: str) -> None:
    page.goto(f"{api}/schema")

    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.zebra = 1'}))")

    assert page.evaluate("window.zebra") is None
    assert "Content Security Policy" in page.said[0]
