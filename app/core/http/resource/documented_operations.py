"""The operations that a resource offers, with their texts in the document: ids, summaries and conflicts."""

from collections.abc import Iterable
from http import HTTPStatus
from inspect import cleandoc
from typing import Any

from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi import ResponseSpec

from app.core.data.tables.registry import table_name
from app.core.http.resource.documented_conflicts import conflicts_of


def described(controller: Any, handlers: Iterable[BaseRouteHandler]) -> list[BaseRouteHandler]:
    """Return those of its handlers that a controller offers, with what the document says of them."""
    changed = {name: changes.fields for name, changes in controller.actions.items()}
    conflicts = conflicts_of(controller.model, controller.names().noun, controller.operations, changed)
    found: list[BaseRouteHandler] = []
    for handler in handlers:
        if not isinstance(handler, HTTPRouteHandler):
            found.append(handler)
        elif handler.fn.__name__ in controller.operations:
            _describe(controller, handler, conflicts.get(handler.fn.__name__))
            found.append(handler)
    return found


def _describe(controller: Any, handler: HTTPRouteHandler, conflict: ResponseSpec | None) -> None:
    names = controller.names()
    handler.operation_id = handler.operation_id or f"{table_name(controller.model)}_{handler.fn.__name__}"
    handler.description = handler.description or cleandoc(handler.fn.__doc__ or "")
    if conflict:
        handler.responses = {HTTPStatus.CONFLICT: conflict, **(handler.responses or {})}
    for text in ("summary", "description", "response_description"):
        setattr(handler, text, names.substitute(getattr(handler, text) or "") or None)
