"""`app routes`."""

from collections.abc import Iterator
from typing import NamedTuple

import click
from litestar import Litestar
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.routes import HTTPRoute

from app.core.auth.middleware import PUBLIC
from app.core.cli.context import AppContext
from app.core.cli.failures import explained
from app.settings import load_settings


class _Route(NamedTuple):
    path: str
    methods: str
    name: str
    access: str


@click.command("routes")
@click.pass_obj
@explained
def command(context: AppContext) -> None:
    """List every route: methods, path, operation id (or the handler's name), and whether it is public or private."""
    routes = sorted(_routes(context.make_app(load_settings())))
    methods, paths, names = (max(len(route[part]) for route in routes) for part in (1, 0, 2))
    for route in routes:
        click.echo(f"{route.methods:{methods}}  {route.path:{paths}}  {route.name:{names}}  {route.access}")


def _routes(app: Litestar) -> Iterator[_Route]:
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else (route.route_handler,):
            methods = (
                handler.http_methods if isinstance(handler, HTTPRouteHandler) else {route.scope_type.value.upper()}
            )
            if methods != {"OPTIONS"}:  # every route answers it
                access = "public" if handler.opt.get(PUBLIC) else "private"
                yield _Route(route.path, ", ".join(sorted(methods)), _name_of(handler), access)


def _name_of(handler: BaseRouteHandler) -> str:
    return getattr(handler, "operation_id", None) or handler.handler_name
