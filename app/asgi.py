"""The assembly: everything that a request meets, in the order in which it acts."""

import gc

from advanced_alchemy.extensions.litestar import SQLAlchemyInitPlugin
from litestar import Litestar
from litestar.di import Provide

from app.core.auth.middleware import make_bearer_middleware
from app.core.data.ownership.guard import owner_guard
from app.core.data.ownership.plugin import SessionLifetime, make_alchemy
from app.core.data.schema.mapping import check_mapping
from app.core.http.docs.assets import docs_asset
from app.core.http.docs.page import make_openapi_config
from app.core.http.docs.schemas import ExactIntegers
from app.core.http.edge.outer import Edge
from app.core.http.edge.private_caching import PrivateCaching
from app.core.http.edge.proxies import behind_proxies
from app.core.http.errors import EXCEPTION_HANDLERS
from app.core.http.rate_limit.middleware import make_rate_limits
from app.core.http.resource.query import QueryMiddleware
from app.core.ops.health import health, ready
from app.core.ops.logging import AccessLog, configure_logging
from app.core.ops.readiness import Readiness
from app.installed import INSTALLED, refuse_unlisted
from app.settings import Settings, load_settings
from app.settings.formats import split_list


def serve() -> Litestar:
    """Return the application for a process that does nothing but serve it: what `app run` starts in each worker."""
    app = create_app()
    gc.collect()
    gc.freeze()  # what is there now stays; looking through it again and again would stop a request for 50 ms each time
    gc.set_threshold(10_000)  # no request leaves a cycle; to look for one at every 700 objects takes a twentieth of it
    return app


def create_app(settings: Settings | None = None) -> Litestar:
    """Return the application for these settings, or for those of the environment.

    Raises:
        InvalidSettings: a setting cannot be used.
        RuntimeError: a noun is not listed in `installed.py`.
        TypeError: an owned table could refer to another owner's rows, or a private answer would be kept for others.
    """
    settings = settings or load_settings()
    refuse_unlisted()
    check_mapping()
    configure_logging(settings)
    bearer = make_bearer_middleware(settings)
    limits = make_rate_limits(settings)
    alchemy = make_alchemy(settings)
    readiness = Readiness(settings, bearer.has_keys)
    app = Litestar(
        middleware=[*limits.per_address, bearer, *limits.per_user, QueryMiddleware()],
        guards=[owner_guard(alchemy)],
        plugins=[SQLAlchemyInitPlugin(alchemy), ExactIntegers(), PrivateCaching()],
        dependencies={"readiness": Provide(lambda: readiness, sync_to_thread=False)},
        route_handlers=[*INSTALLED, health, ready, docs_asset],
        exception_handlers=EXCEPTION_HANDLERS,
        request_max_body_size=settings.max_body_bytes,
        openapi_config=make_openapi_config(settings),
        logging_config=None,
        lifespan=[bearer.lifespan],
        on_shutdown=[*limits.close, readiness.aclose],
    )
    # Outside of the router, so that they see unknown routes as well; the last one acts first.
    app.asgi_handler = SessionLifetime(app.asgi_handler)
    app.asgi_handler = Edge(app.asgi_handler, settings)
    app.asgi_handler = AccessLog(app.asgi_handler)
    app.asgi_handler = behind_proxies(app.asgi_handler, split_list(settings.trusted_proxies))
    return app
