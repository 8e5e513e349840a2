"""Operations: which handlers a resource offers. Routes, document and contract read it off the class."""

from collections.abc import Iterable
from typing import Final

from litestar.handlers import HTTPRouteHandler

CREATES: Final = frozenset({"create"})
CHANGES: Final = frozenset({"put", "update"})
READS: Final = frozenset({"list", "get"})


class AllHandlers(frozenset[str]):
    """The operations of a class that declares none: all that it has. A class that derives from it may have more."""


def handlers_of(controller: type) -> dict[str, HTTPRouteHandler]:
    """Return the handlers of a controller's class by the names of their functions."""
    found = (getattr(controller, name) for name in dir(controller))
    return {handler.fn.__name__: handler for handler in found if isinstance(handler, HTTPRouteHandler)}


def operations_of(controller: type, declared: Iterable[str] | None) -> frozenset[str]:
    """Return the names of the handlers that a class offers: those that it declares, or all that it has.

    Raises:
        TypeError: it declares none, declares one that it does not have, or leaves out one of its own.
    """
    handlers = handlers_of(controller)
    if declared is None or isinstance(declared, AllHandlers):
        return AllHandlers(handlers)
    operations = frozenset([declared] if isinstance(declared, str) else declared)
    where = f"{controller.__name__}.operations"
    if not operations:
        raise TypeError(f"{where} is empty: name at least one of {', '.join(sorted(handlers))}.")
    if unknown := sorted(operations - handlers.keys()):
        raise TypeError(
            f"{where} names {unknown[0]!r}, which is no handler: choose from {', '.join(sorted(handlers))}."
        )
    if hidden := sorted(_own_handlers(controller) - operations):
        raise TypeError(f"{where} leaves out {hidden[0]!r}, which the class defines: add it, or remove the handler.")
    return operations


def _own_handlers(controller: type) -> set[str]:
    return {handler.fn.__name__ for handler in vars(controller).values() if isinstance(handler, HTTPRouteHandler)}
