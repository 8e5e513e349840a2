"""Declarations: the metadata that `ref()`, `text()` and the others add to a field, and its validation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import NoneType
from typing import Annotated, Any, Final, Literal, cast, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_json
from sqlmodel import SQLModel

from app.core.data.errors import InvalidDeclaration
from app.core.data.tables.choices import fault_of_ranks

OnDelete = Literal["set null", "cascade", "restrict"]

_ON_DELETE: Final[tuple[str, ...]] = get_args(OnDelete)


@dataclass(frozen=True)
class Target:
    """The referenced table, and the effect of the deletion of a referenced row."""

    table: str
    on_delete: OnDelete


@dataclass(frozen=True)
class Declaration:
    """The function that declared a field, the types that it accepts, and what only some functions declare."""

    function: str
    types: Mapping[str, Any]
    target: Target | None = None
    needs_length: bool = False
    ranks: Mapping[Any, int] | None = None
    flag: str | None = None


class Fields(SQLModel):
    """The base class of the fields that a table shares with its schemas; raises InvalidDeclaration for a wrong one."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if isinstance(vars(cls).get("__tablename__"), str) and not _has_primary_key(cls):
            raise InvalidDeclaration(f"{cls.__name__} has no primary key: derive it from Owned as well.")
        own = {
            name: cls.model_fields[name] for name in vars(cls).get("__annotations__", ()) if name in cls.model_fields
        }
        for name, field in own.items():
            for fault in (*_faults_of_name(name), *_faults_of(field)):
                raise InvalidDeclaration(f"{cls.__name__}.{name}: {fault}.")
        if [field for field in own.values() if declaration_of(field) and _complete_field(field)]:
            cls.model_rebuild(force=True)
        for name, field in own.items():
            for fault in _faults_of_values(field) if declaration_of(field) else ():
                raise InvalidDeclaration(f"{cls.__name__}.{name}: {fault}.")


def declaration_of(field: FieldInfo) -> Declaration | None:
    """Return the declaration of a field; None for a field of SQLModel's `Field()`."""
    return next((part for part in field.metadata if isinstance(part, Declaration)), None)


def is_optional(field: FieldInfo) -> bool:
    """Return whether a field may be null."""
    return NoneType in get_args(field.annotation)


def type_and_rules(field: FieldInfo) -> tuple[Any, list[Any]]:
    """Return the type of a field without None, and the rules of the type and of the field."""
    present = [arm for arm in get_args(field.annotation) if arm is not NoneType] if is_optional(field) else []
    bare, rules = _unwrap(present[0] if len(present) == 1 else field.annotation)
    return bare, [*rules, *field.metadata]


def _has_primary_key(cls: type[Fields]) -> bool:
    # A field that hides the `id` of Owned is reported by Owned.
    return any(name == "id" or getattr(field, "primary_key", None) is True for name, field in cls.model_fields.items())


def _complete_field(field: FieldInfo) -> bool:
    # Sets the parts that depend on the annotation, which `text()` and the others do not see; returns whether it did.
    is_without_default = field.is_required() and is_optional(field)
    if is_without_default:
        field.default = field._attributes_set["default"] = None  # pydantic copies a field from the second
    # The last of two bounds is effective, so the field's own bounds must come after those of its type.
    bounds = [rule for rule in field.metadata if isinstance(rule, Ge | Le)]
    field.metadata = [*(rule for rule in field.metadata if rule not in bounds), *bounds]
    return is_without_default or bool(bounds)


def _faults_of_name(name: str) -> Iterator[str]:
    if hasattr(SQLModel, name):
        yield f"the name hides SQLModel.{name}; choose another"


def _faults_of(field: FieldInfo) -> Iterator[str]:
    declared = declaration_of(field)
    if not declared:
        return
    if declared.types and not any(_has_type(field, kind) for kind in declared.types.values()):
        yield f"{declared.function}() is for {' or '.join(declared.types)}; annotate the field with it"
    if declared.needs_length and not any(getattr(part, "max_length", 0) for part in field.metadata):
        yield f"{declared.function}() needs a length; write max_length=200, or use long_text()"
    if declared.function == "refs" and is_optional(field):
        yield "a list of ids is empty instead of null; annotate the field with RowIds alone"
    if declared.target:
        yield from _faults_of_target(field, declared.target)
    if declared.function == "choice":
        yield from _faults_of_choice(field, declared.ranks)


def _faults_of_choice(field: FieldInfo, ranks: Mapping[Any, int] | None) -> Iterator[str]:
    kind: Any = type_and_rules(field)[0]
    if not (isinstance(kind, type) and issubclass(kind, Enum)):
        return
    if not list(kind):
        yield f"{kind.__name__} has no members; add one"
    if not all(isinstance(member.value, str) for member in kind):
        yield f"the values of {kind.__name__} must be texts, because the column is one; derive it from StrEnum"
    if field.default not in (PydanticUndefined, None) and not isinstance(field.default, Enum):
        yield f"the default {field.default!r} is not a member of the Enum; write a member, such as State.NEW"
    if ranks is not None and (fault := fault_of_ranks(kind, ranks)):
        yield fault


def _faults_of_values(field: FieldInfo) -> Iterator[str]:
    # A default is stored without validation, and the docs show an example as it is.
    bounds: Any = [rule.ge for rule in field.metadata if isinstance(rule, Ge)][-1:]
    bounds += [rule.le for rule in field.metadata if isinstance(rule, Le)][-1:]
    if len(bounds) == 2 and bounds[0] > bounds[1]:
        yield f"ge={bounds[0]} is above le={bounds[1]}, so no value is valid; swap them"
    rules = [rule for rule in field.metadata if not isinstance(rule, Declaration)]
    valid = TypeAdapter[Any](cast("Any", Annotated[(field.annotation, *rules)]), config={"strict": True})
    defaults = () if field.is_required() else (field.get_default(call_default_factory=True),)
    for what, values in (("default", defaults), ("example", field.examples or ())):
        for value in values:
            if reason := _reason_against(valid, value):
                yield f"the {what} {value!r} is invalid: {reason}; choose another"


def _reason_against(valid: TypeAdapter[Any], value: object) -> str | None:
    try:
        valid.validate_json(to_json(value))  # as a client sends it
    except ValidationError as error:
        return error.errors()[0]["msg"]
    return None


def _faults_of_target(field: FieldInfo, target: Target) -> Iterator[str]:
    if target.on_delete not in _ON_DELETE:
        known = ", ".join(f'"{each}"' for each in _ON_DELETE)
        yield f"on_delete={target.on_delete!r} is unknown; it is one of {known}"
    elif target.on_delete == "set null" and not is_optional(field):
        yield 'on_delete="set null" needs a field that may be null; annotate it as RowId | None, or choose "restrict"'


def _has_type(field: FieldInfo, kind: Any) -> bool:
    # The field may have further rules.
    bare, rules = type_and_rules(field)
    wanted, needed = _unwrap(kind)
    is_same = isinstance(bare, type) and issubclass(bare, Enum) if wanted is Enum else bare == wanted
    return is_same and all(rule in rules for rule in needed)


def _unwrap(kind: Any) -> tuple[Any, list[Any]]:
    if get_origin(kind) is Annotated:
        bare, *rules = get_args(kind)
        return bare, rules
    return kind, []
