"""The files of the docs page: small on the wire, kept for good, and no other file of the machine."""

from gzip import decompress

import pytest
from litestar import Litestar

from app.core.http.docs.assets import PATH, SCRIPT, STYLE
from app.testing.clients import Client, assert_error

pytestmark = pytest.mark.any_database

KINDS = {SCRIPT: "text/javascript; charset=utf-8", STYLE: "text/css; charset=utf-8"}
every_file = pytest.mark.parametrize("name", KINDS)


@every_file
async def test_a_file_says_what_it_is_and_is_kept_for_good(live_app: Litestar, name: str) -> None:
    answer = await Client(live_app).get(f"{PATH}/{name}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == KINDS[name]
    assert answer.headers.get_list("cache-control") == ["public, max-age=31536000, immutable"]
    assert answer.headers["vary"] == "Accept-Encoding"
    assert len(answer.content) > 100_000


@every_file
async def test_a_file_is_sent_as_gzip_to_who_takes_that(live_app: Litestar, name: str) -> None:
    client = Client(live_app)
    plain = await client.get(f"{PATH}/{name}", headers={"Accept-Encoding": "identity"})
    async with client.stream("GET", f"{PATH}/{name}") as answer:
        sent = b"".join([part async for part in answer.aiter_raw()])

    assert "content-encoding" not in plain.headers
    assert answer.headers["content-encoding"] == "gzip"
    assert decompress(sent) == plain.content
    assert len(sent) < len(plain.content) / 3
    assert answer.headers["etag"] != plain.headers["etag"]


@pytest.mark.parametrize(
    ("accepted", "is_gzip"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5, br", True),
        ("gzip; q=1.0", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("br", False),
        ("x-gzip-x", False),
        ("", False),
    ],
)
async def test_what_a_client_takes_is_read_as_it_is_meant(live_app: Litestar, accepted: str, is_gzip: bool) -> None:
    answer = await Client(live_app).get(f"{PATH}/{STYLE}", headers={"Accept-Encoding": accepted})

    assert ("content-encoding" in answer.headers) is is_gzip


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
async def test_who_has_a_file_already_is_told_so(live_app: Litestar, form: str) -> None:
    client = Client(live_app)
    tag = (await client.get(f"{PATH}/{STYLE}")).headers["etag"]
    answer = await client.get(f"{PATH}/{STYLE}", headers={"If-None-Match": form.format(tag)})

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == tag
    assert answer.headers["cache-control"].endswith("immutable")
    assert (await client.get(f"{PATH}/{STYLE}", headers={"If-None-Match": '"other"'})).status_code == 200


async def test_a_file_can_be_asked_for_by_head(live_app: Litestar) -> None:
    answer = await Client(live_app).head(f"{PATH}/{STYLE}")

    assert answer.status_code == 200
    assert answer.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    "name",
    [
        "nothing.js",
        "__init__.py",
        "scalar.js",
        "swagger_bundle.js%00",
        "SWAGGER_BUNDLE.JS",
        "..%2f__init__.py",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "..%5c..%5cetc%5cpasswd",
        "%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/etc/passwd",
        "x/%2e%2e/__init__.py",
        "",
    ],
)
@pytest.mark.parametrize("folder", [PATH, "/schema/assets", "/schema/assets/0", "/schema/assets/%2e%2e"])
async def test_what_is_no_file_of_the_page_is_a_404(live_app: Litestar, folder: str, name: str) -> None:
    assert assert_error(await Client(live_app).get(f"{folder}/{name}"), 404) == {"detail": "Not Found"}


async def test_a_file_of_another_version_is_a_404(live_app: Litestar) -> None:
    assert_error(await Client(live_app).get(f"/schema/assets/0.0.0/{SCRIPT}"), 404)
