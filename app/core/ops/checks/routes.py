"""Checks of the routes."""

from collections.abc import Iterator

from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.routes import HTTPRoute
from pydantic import BaseModel

from app.core.auth.middleware import PUBLIC, BearerMiddleware
from app.core.data.ownership.guard import owner_guard
from app.core.http.docs.document import Part, document_of
from app.core.http.resource.page_size import unbounded_fields
from app.core.ops.checks.registry import Context, Messages, check


@check(
    "security.E001", hint="Do not exclude it from the bearer middleware and the owner guard, or mark it `public=True`."
)
async def routes_are_guarded(context: Context) -> Messages:
    """Every route requires a token or is marked public."""
    for name, handler in _routes(context):
        if not handler.opt.get(PUBLIC) and not _is_guarded(handler):
            yield f"{name} requires no token and is not marked public."


@check("security.E003", hint="Remove `debug` and `pdb_on_exception`, and unset LITESTAR_DEBUG.", deploy=True)
async def debug_is_off(context: Context) -> Messages:
    """Clients never get a traceback."""
    if context.app is not None and (context.app.debug or context.app.pdb_on_exception):
        yield "Debug mode is on: an error shows its traceback to the client."


@check("security.I001", hint="This is the default; to hide the docs, block /schema in the proxy.", deploy=True)
async def docs_are_public(context: Context) -> Messages:
    """The operator knows that the docs are public."""
    if context.app is not None and context.app.openapi_config is not None:
        yield "The docs at /schema are public; they show routes, but no rows."


@check("http.W001", hint="Add a `limit` parameter with a maximum: use `page` like ResourceController.list.")
async def lists_are_bounded(context: Context) -> Messages:
    """No request can get all rows at once."""
    app = context.app
    paths = {} if app is None or app.openapi_config is None else document_of(app)["paths"]
    for path, item in paths.items():
        if "get" in item and _is_list(item["get"]) and not _is_bounded(item["get"]):
            yield f"GET {path} returns a list without a maximum length."


@check("http.W002", hint="Set its `max_length`: the longer values can be, the fewer rows a page has.")
async def values_have_a_maximum_length(context: Context) -> Messages:
    """Values have a maximum length, so a page has a maximum size."""
    for _, handler in _routes(context):
        data = handler.parsed_data_field if isinstance(handler, HTTPRouteHandler) else None
        if data is not None and isinstance(data.annotation, type) and issubclass(data.annotation, BaseModel):
            for name in unbounded_fields(data.annotation):
                yield f"{data.annotation.__name__}.{name} accepts a value of any length."


def _routes(context: Context) -> Iterator[tuple[str, BaseRouteHandler]]:
    for route in context.app.routes if context.app is not None else ():
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else (route.route_handler,):
            methods = ", ".join(sorted(getattr(handler, "http_methods", ()))) or "WEBSOCKET or mount"
            yield f"{methods} {route.path}", handler


def _is_guarded(handler: BaseRouteHandler) -> bool:
    middlewares = (getattr(middleware, "func", middleware) for middleware in handler.resolve_middleware())
    guards = [getattr(guard, "__qualname__", "") for guard in handler.resolve_guards()]
    return BearerMiddleware in middlewares and any(name.startswith(f"{owner_guard.__qualname__}.") for name in guards)


def _is_list(operation: Part) -> bool:
    contents = (media for response in operation["responses"].values() for media in response.get("content", {}).values())
    return any(media.get("schema", {}).get("type") == "array" for media in contents)


def _is_bounded(operation: Part) -> bool:
    limits = (each for each in operation.get("parameters", ()) if (each["in"], each["name"]) == ("query", "limit"))
    return any("maximum" in limit["schema"] for limit in limits)
