"""The application: its parts, in the order in which a request passes them."""

import gc
from collections.abc import Callable
from contextlib import aclosing
from functools import partial

from advanced_alchemy.extensions.litestar import SQLAlchemyInitPlugin
from litestar import Litestar
from litestar.di import Provide
from litestar.types import ASGIApp

from app.core.auth.middleware import BearerMiddleware, make_authentication
from app.core.data.ownership.guard import owner_guard
from app.core.data.ownership.plugin import make_alchemy
from app.core.data.ownership.session_lifetime import SessionLifetime
from app.core.data.schema.mapping import check_mapping
from app.core.http.docs.assets import docs_asset
from app.core.http.docs.page import make_openapi_config
from app.core.http.docs.schemas import ExactIntegers
from app.core.http.edge.allowed_hosts import AllowedHosts
from app.core.http.edge.ambiguous_paths import AmbiguousPaths
from app.core.http.edge.body_timeout import BodyTimeout
from app.core.http.edge.cors import Cors
from app.core.http.edge.head_requests import HeadRequests
from app.core.http.edge.last_resort import LastResort
from app.core.http.edge.options_requests import OptionsRequests
from app.core.http.edge.private_caching import PrivateCaching
from app.core.http.edge.root_path import RootPath
from app.core.http.edge.security_headers import SecurityHeaders
from app.core.http.edge.trusted_proxies import TrustedProxies
from app.core.http.exception_handlers import EXCEPTION_HANDLERS
from app.core.http.probes import probe_paths
from app.core.http.rate_limit.setup import RateLimits, make_rate_limits
from app.core.http.resource.query import QueryMiddleware
from app.core.ops.access_log import AccessLog
from app.core.ops.health import health, ready
from app.core.ops.logging import configure_logging
from app.core.ops.readiness import Readiness
from app.installed import INSTALLED, refuse_unlisted
from app.settings import Settings, load_settings
from app.settings.formats import split_list


def serve() -> Litestar:
    """Return the application for a worker of `app run`."""
    app = create_app()
    gc.collect()
    gc.freeze()  # else each full collection scans all modules again, and stops requests for 50 ms
    gc.set_threshold(10_000)  # requests leave no cycles; the default of 700 objects costs 5 % of a request
    return app


def create_app(settings: Settings | None = None) -> Litestar:
    """Return the application for these settings, by default those of the environment.

    Raises:
        InvalidSettings: a setting is not valid.
        RuntimeError: a noun is not listed in `installed.py`.
        TypeError: a table or a route is not safe; the message says why.
    """
    settings = settings or load_settings()
    refuse_unlisted()
    check_mapping()
    configure_logging(settings)
    authentication = make_authentication(settings)
    limits = make_rate_limits(settings)
    alchemy = make_alchemy(settings)
    readiness = Readiness(settings, authentication.has_keys)
    app = Litestar(
        middleware=[
            *limits.before_authentication,
            partial(BearerMiddleware, authentication=authentication),
            *limits.after_authentication,
            QueryMiddleware,
        ],
        guards=[owner_guard(alchemy)],
        plugins=[SQLAlchemyInitPlugin(alchemy), ExactIntegers(), PrivateCaching()],
        dependencies={"readiness": Provide(lambda: readiness, sync_to_thread=False)},
        route_handlers=[*INSTALLED, health, ready, docs_asset],
        exception_handlers=EXCEPTION_HANDLERS,
        request_max_body_size=settings.max_body_bytes,
        openapi_config=make_openapi_config(settings),
        logging_config=None,
        lifespan=[authentication.lifespan, *map(aclosing, limits.stores), aclosing(readiness)],
    )
    for middleware in reversed(_around_router(app, settings, limits)):
        app.asgi_handler = middleware(app.asgi_handler).__call__  # look the method up once, not for each request
    return app


def _around_router(app: Litestar, settings: Settings, limits: RateLimits) -> list[Callable[[ASGIApp], ASGIApp]]:
    # Outermost first. They see unknown routes and failures as well.
    origins, request_headers = split_list(settings.cors_origins), split_list(settings.cors_headers)
    return [
        partial(TrustedProxies, networks=split_list(settings.trusted_proxies)),
        AccessLog,
        RootPath,
        HeadRequests,
        partial(SecurityHeaders, https_only=settings.is_production),
        partial(Cors, origins=origins, request_headers=request_headers),
        *limits.around_router,
        partial(AllowedHosts, allowed=split_list(settings.allowed_hosts), probes=probe_paths(app)),
        AmbiguousPaths,
        BodyTimeout,
        OptionsRequests,
        LastResort,
        SessionLifetime,
    ]
