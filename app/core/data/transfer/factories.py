"""The registry of row factories: `app/testing/factories.py` adds each one when its class is created."""

from typing import Any, Final

from app.core.data.tables.owned import Owned

FACTORIES: Final[dict[type[Owned], Any]] = {}


def factory_of(model: type[Owned]) -> Any:
    """Return the factory of a table; LookupError if there is none, or its module is not imported."""
    try:
        return FACTORIES[model]
    except KeyError:
        raise LookupError(f"{model.__name__} has no factory; write one in the factories.py of its folder") from None
