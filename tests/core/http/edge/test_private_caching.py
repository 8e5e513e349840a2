"""No answer for one user is kept for another: such a route does not start, wherever the setting stands."""

from typing import Any

import pytest
from litestar import Controller, Litestar, Router, get, head
from litestar.config.response_cache import CACHE_FOREVER
from litestar.datastructures import CacheControlHeader

from app.asgi import create_app
from app.core.http.edge.private_caching import PrivateCaching
from app.core.http.resource.controller import ResourceController
from app.testing.databases import SqliteDatabases, settings_for_tests
from tests.parts.resources import every_resource

pytestmark = pytest.mark.any_database


@get("/notes", cache=60)
async def cached() -> dict[str, str]:
    """Be kept for a minute."""
    return {}


@get("/notes", cache=True)
async def cached_as_usual() -> dict[str, str]:
    """Be kept for as long as the application says."""
    return {}


@get("/notes", cache=CACHE_FOREVER)
async def cached_for_good() -> dict[str, str]:
    """Be kept for good."""
    return {}


@head("/notes", cache=60)
async def cached_head() -> None:
    """Be kept, without a body."""


@get("/notes", cache_control=CacheControlHeader(public=True))
async def public_for_proxies() -> dict[str, str]:
    """Be kept by others."""
    return {}


@get("/notes", cache_control=CacheControlHeader(s_maxage=60))
async def shared_by_proxies() -> dict[str, str]:
    """Be kept by others for a minute."""
    return {}


@get("/notes")
async def plain() -> dict[str, str]:
    """Be kept by nobody."""
    return {}


class Notes(Controller):
    """A controller of which one handler is kept."""

    path = "/notes"

    @get(cache=60)
    async def list(self) -> dict[str, str]:
        """Be kept, in a controller."""
        return {}


class Shared(Controller):
    """A controller whose answers proxies keep."""

    path = "/notes"
    cache_control = CacheControlHeader(public=True)

    @get()
    async def list(self) -> dict[str, str]:
        """Be kept, by the controller."""
        return {}


KEPT: tuple[Any, ...] = (
    cached,
    cached_as_usual,
    cached_for_good,
    cached_head,
    public_for_proxies,
    shared_by_proxies,
    Notes,
    Shared,
    Router("/v1", route_handlers=[cached]),
    Router("/v1", route_handlers=[plain], cache_control=CacheControlHeader(public=True)),
    Router("/v1", route_handlers=[plain], response_headers={"cache-control": "max-age=60, PUBLIC"}),
)


@pytest.fixture
def app(sqlite_databases: SqliteDatabases) -> Litestar:
    return create_app(settings_for_tests(sqlite_databases.fresh()))


@pytest.mark.parametrize("handler", KEPT)
def test_a_private_route_that_is_kept_is_refused(app: Litestar, handler: Any) -> None:
    with pytest.raises(TypeError, match=r"/notes is private, .*: remove that, or write `public=True`"):
        app.register(handler)


def test_it_is_refused_where_the_whole_application_says_it(app: Litestar) -> None:
    control = CacheControlHeader(public=True)
    with pytest.raises(TypeError, match="/notes is private"):
        Litestar([plain], plugins=[PrivateCaching()], cache_control=control, openapi_config=None)


@pytest.mark.parametrize(
    "handler",
    [
        plain,
        Router("/v1", route_handlers=[cached, public_for_proxies], opt={"public": True}),
        get("/notes", public=True, cache=60)(plain.fn),
        get("/notes", cache_control=CacheControlHeader(private=True, max_age=60))(plain.fn),
    ],
)
def test_any_other_is_taken(app: Litestar, handler: Any) -> None:
    app.register(handler)


@every_resource
def test_a_noun_that_is_kept_is_refused(app: Litestar, resource: type[ResourceController[Any, Any, Any]]) -> None:
    class Kept(resource):  # type: ignore[misc, valid-type]
        """The noun, with a cache."""

        path = "/kept"

        @get("/all", cache=60)
        async def all(self) -> dict[str, str]:
            """Be kept."""
            return {}

    with pytest.raises(TypeError, match="/kept/all is private"):
        app.register(Kept)
