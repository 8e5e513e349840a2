"""The operations of a resource: the standard ones, which every controller inherits, and its own."""

import re
from typing import Any, Final, NamedTuple

from litestar.handlers import HTTPRouteHandler

from app.core.http.resource.controller import ResourceController
from app.core.http.resource.operations import handlers_of

Resource = type[ResourceController[Any, Any, Any]]


class Operation(NamedTuple):
    """An operation of a resource. `{id}` in its path stands for the id of a row."""

    name: str
    method: str
    path: str
    has_body: bool

    @property
    def on_row(self) -> bool:
        return "{id}" in self.path


def _operations(handler: HTTPRouteHandler) -> list[Operation]:
    path = re.sub(r"\{(\w+):\w+\}", r"{\1}", min(handler.paths)).rstrip("/")
    has_body = "data" in handler.fn.__annotations__
    return [Operation(handler.fn.__name__, method, path, has_body) for method in sorted(handler.http_methods)]


_BY_NAME: Final = {name: _operations(handler)[0] for name, handler in handlers_of(ResourceController).items()}
LIST, CREATE, GET, PUT, UPDATE, DELETE = (
    _BY_NAME[name] for name in ("list", "create", "get", "put", "update", "delete")
)
STATS: Final = Operation("stats", "GET", "/stats", has_body=False)
STANDARD: Final = (LIST, CREATE, GET, PUT, UPDATE, DELETE)
WRITES: Final = (CREATE, PUT, UPDATE)
CHANGES: Final = (PUT, UPDATE)


def action_operations(resource: Resource) -> tuple[Operation, ...]:
    """Return the actions that a resource offers."""
    return tuple(each for each in own_operations(resource) if each.name in resource.actions)


def figures_operations(resource: Resource) -> tuple[Operation, ...]:
    """Return the operation that returns figures, if a resource offers it."""
    return (STATS,) if resource.figures else ()


def own_operations(resource: Resource) -> list[Operation]:
    """Return the operations that a resource offers besides the standard ones."""
    own = {name: handler for name, handler in handlers_of(resource).items() if name not in _BY_NAME}
    return [each for name in sorted(own.keys() & resource.operations) for each in _operations(own[name])]
