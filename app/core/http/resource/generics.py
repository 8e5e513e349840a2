"""Generics: what a class puts for the parameters of a generic base, in whichever place that base stands."""

from typing import Any, Final, get_args, get_origin

_NONE: Final[tuple[Any, ...]] = ()


def type_arguments(cls: type, generic: type) -> tuple[Any, ...]:
    """Return the arguments of `generic` for this class, also through an intermediate generic class.

    A parameter that is still open is a TypeVar. The result is empty if no base has arguments.
    """
    return next((found for base in _bases_of(cls) if (found := _arguments_in(base, generic))), _NONE)


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
