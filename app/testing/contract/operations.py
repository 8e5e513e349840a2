"""What a resource offers, as a rule asks for it: the standard operations as the frame promises them, and its own."""

import re
from typing import Any, Final, NamedTuple

from litestar.handlers import HTTPRouteHandler

from app.core.http.resource.controller import ResourceController
from app.core.http.resource.operations import handlers_of

Resource = type[ResourceController[Any, Any, Any]]


class Operation(NamedTuple):
    """One thing that a resource offers; `{id}` in its path, if any, is the id of a row."""

    name: str
    method: str
    path: str
    has_body: bool

    @property
    def on_row(self) -> bool:
        """Whether it is about one row."""
        return "{id}" in self.path


def _operations(handler: HTTPRouteHandler) -> list[Operation]:
    path = re.sub(r"\{(\w+):\w+\}", r"{\1}", min(handler.paths)).rstrip("/")
    has_body = "data" in handler.fn.__annotations__
    return [Operation(handler.fn.__name__, method, path, has_body) for method in sorted(handler.http_methods)]


_BY_NAME: Final = {name: _operations(handler)[0] for name, handler in handlers_of(ResourceController).items()}
LIST, CREATE, GET, PUT, UPDATE, DELETE = (
    _BY_NAME[name] for name in ("list", "create", "get", "put", "update", "delete")
)
STANDARD: Final = (LIST, CREATE, GET, PUT, UPDATE, DELETE)
WRITES: Final = (CREATE, PUT, UPDATE)
CHANGES: Final = (PUT, UPDATE)


def own_operations(resource: Resource) -> list[Operation]:
    """Return what a resource offers besides the standard operations."""
    own = {name: handler for name, handler in handlers_of(resource).items() if name not in _BY_NAME}
    return [each for name in sorted(own.keys() & resource.operations) for each in _operations(own[name])]
