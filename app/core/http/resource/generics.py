"""The type arguments that a class gives a generic base, in any position among the bases."""

from typing import Any, Final, get_args, get_origin

from app.core.data.errors import InvalidDeclaration

_NONE: Final[tuple[Any, ...]] = ()


def type_arguments(cls: type, generic: type) -> tuple[Any, ...]:
    """Return the arguments of `generic` for this class, also through a generic subclass; empty if it has none.

    A parameter without an argument is returned as its TypeVar.
    """
    return next((found for base in _bases_of(cls) if (found := _arguments_in(base, generic))), _NONE)


def checked_types(controller: type, types: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments of a controller; InvalidDeclaration if there are none, or if the first is no table."""
    if not types:
        raise InvalidDeclaration(
            f"{controller.__name__} names no table: derive it from ResourceController[Table, Create, Update]."
        )
    if not hasattr(types[0], "__table__"):
        raise InvalidDeclaration(
            f"{types[0].__name__}, of {controller.__name__}, is no table: add table=True to its bases."
        )
    return types


def _bases_of(cls: type) -> tuple[Any, ...]:
    return tuple(vars(cls).get("__orig_bases__", cls.__bases__))


def _arguments_in(base: Any, generic: type) -> tuple[Any, ...]:
    given, origin = get_args(base), get_origin(base) or base
    if origin is generic:
        return given
    if not (isinstance(origin, type) and issubclass(origin, generic)):
        return _NONE
    replaced = dict(zip(getattr(origin, "__parameters__", ()), given, strict=False))
    return tuple(replaced.get(argument, argument) for argument in type_arguments(origin, generic))
