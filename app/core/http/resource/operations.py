"""Operations: the handlers that a resource offers. Routes, document and contract tests read them from the class."""

from collections.abc import Iterable
from typing import Final

from litestar.handlers import HTTPRouteHandler

from app.core.data.errors import InvalidDeclaration

CREATES: Final = frozenset({"create"})
CHANGES: Final = frozenset({"put", "update"})
READS: Final = frozenset({"list", "get"})


class AllHandlers(frozenset[str]):
    """The operations of a class that declares none: all its handlers. A subclass may have more."""


def handlers_of(controller: type) -> dict[str, HTTPRouteHandler]:
    """Return the handlers of a controller class by function name."""
    found = (getattr(controller, name) for name in dir(controller))
    return {handler.fn.__name__: handler for handler in found if isinstance(handler, HTTPRouteHandler)}


def operations_of(controller: type, declared: Iterable[str] | None) -> frozenset[str]:
    """Return the names of the handlers that a class offers: the declared ones, or all.

    Raises:
        InvalidDeclaration: the set is empty, has an unknown name, or lacks a handler that the class itself defines.
    """
    handlers = handlers_of(controller)
    if declared is None or isinstance(declared, AllHandlers):
        return AllHandlers(handlers)
    operations = frozenset([declared] if isinstance(declared, str) else declared)
    where = f"{controller.__name__}.operations"
    if not operations:
        raise InvalidDeclaration(f"{where} is empty: name at least one of {', '.join(sorted(handlers))}.")
    if unknown := sorted(operations - handlers.keys()):
        raise InvalidDeclaration(
            f"{where} names {unknown[0]!r}, which is no handler: choose from {', '.join(sorted(handlers))}."
        )
    if hidden := sorted(_own_handlers(controller) - operations):
        raise InvalidDeclaration(
            f"{where} leaves out {hidden[0]!r}, which the class defines: add it, or remove the handler."
        )
    return operations


def _own_handlers(controller: type) -> set[str]:
    return {handler.fn.__name__ for handler in vars(controller).values() if isinstance(handler, HTTPRouteHandler)}
