"""Declarations: what a field function says of a field, and the base of the classes that use them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import NoneType
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from sqlmodel import SQLModel

from app.core.data.errors import InvalidModel

OnDelete = Literal["set null", "cascade", "restrict"]

_ON_DELETE: Final[tuple[str, ...]] = get_args(OnDelete)


@dataclass(frozen=True)
class Target:
    """The table that a reference is to, and what happens to the row when the one it refers to is deleted."""

    table: str
    on_delete: OnDelete


@dataclass(frozen=True)
class Declaration:
    """The field function that declared a field, the types it is for by their names, and the target of a reference."""

    function: str
    types: Mapping[str, Any]
    target: Target | None = None
    needs_length: bool = False


class Fields(SQLModel):
    """The base of the fields that a table shares with its schemas; one that may be null is null unless it is sent.

    Raises:
        InvalidModel: a declaration is wrong, naming class, field and remedy.
    """

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        own = {
            name: cls.model_fields[name] for name in vars(cls).get("__annotations__", ()) if name in cls.model_fields
        }
        for name, field in own.items():
            for fault in _faults_of(field):
                raise InvalidModel(f"{cls.__name__}.{name}: {fault}.")
        if [field for field in own.values() if declaration_of(field) and _complete_field(field)]:
            cls.model_rebuild(force=True)


def declaration_of(field: FieldInfo) -> Declaration | None:
    """Return what a field function said of a field; None for a field that was declared without one."""
    return next((part for part in field.metadata if isinstance(part, Declaration)), None)


def is_optional(field: FieldInfo) -> bool:
    """Return whether a field may be null."""
    return NoneType in get_args(field.annotation)


def _complete_field(field: FieldInfo) -> bool:
    """Add what a field function cannot say, because it does not see the annotation; return whether that is anything."""
    is_without_default = field.is_required() and is_optional(field)
    if is_without_default:
        field.default = field._attributes_set["default"] = None  # the second is what a copy goes by
    # Of two bounds the last one holds: a field's own have to stand behind those of its type.
    bounds = [rule for rule in field.metadata if isinstance(rule, Ge | Le)]
    field.metadata = [*(rule for rule in field.metadata if rule not in bounds), *bounds]
    return is_without_default or bool(bounds)


def _faults_of(field: FieldInfo) -> Iterator[str]:
    declared = declaration_of(field)
    if not declared:
        return
    if not any(_has_type(field, kind) for kind in declared.types.values()):
        yield f"{declared.function}() is for {' or '.join(declared.types)}; annotate the field so"
    if declared.needs_length and not any(getattr(part, "max_length", 0) for part in field.metadata):
        yield f"{declared.function}() needs a length; say max_length=200, or use long_text()"
    if declared.target:
        yield from _faults_of_target(field, declared.target)
    default = field.default
    if declared.function == "choice" and default not in (PydanticUndefined, None) and not isinstance(default, Enum):
        yield f"the default {default!r} is no member of the Enum; write it as one, like State.NEW"


def _faults_of_target(field: FieldInfo, target: Target) -> Iterator[str]:
    if target.on_delete not in _ON_DELETE:
        known = ", ".join(f'"{each}"' for each in _ON_DELETE)
        yield f"on_delete={target.on_delete!r} is unknown; it is one of {known}"
    elif target.on_delete == "set null" and not is_optional(field):
        yield 'on_delete="set null" needs a field that may be null; annotate it as RowId | None, or say "restrict"'


def _has_type(field: FieldInfo, kind: Any) -> bool:
    """Whether a field has this type and all rules that belong to it, besides rules of its own."""
    bare, rules = _type_and_rules(field)
    wanted, needed = _unwrap(kind)
    is_same = isinstance(bare, type) and issubclass(bare, Enum) if wanted is Enum else bare is wanted
    return is_same and all(rule in rules for rule in needed)


def _type_and_rules(field: FieldInfo) -> tuple[Any, list[Any]]:
    present = [arm for arm in get_args(field.annotation) if arm is not NoneType] if is_optional(field) else []
    bare, rules = _unwrap(present[0] if len(present) == 1 else field.annotation)
    return bare, [*rules, *field.metadata]


def _unwrap(kind: Any) -> tuple[Any, list[Any]]:
    """A type and the rules that `Annotated` adds to it."""
    if get_origin(kind) is Annotated:
        bare, *rules = get_args(kind)
        return bare, rules
    return kind, []
