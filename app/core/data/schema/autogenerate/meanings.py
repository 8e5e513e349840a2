"""Refuses changes that would give the stored numbers of a field another meaning."""

from collections.abc import Mapping

from app.core.data.schema.autogenerate.answers import Undecided
from app.core.data.schema.operations.choices import ChangeChoicesOp
from app.core.data.schema.operations.scales import ChangeScaleOp

# No migration converts them: until the new version runs everywhere, the previous one reads and writes such numbers.
_OTHERWISE = "or add another field and copy the values in a migration of your own"


def refuse_other_scale(operation: ChangeScaleOp) -> None:
    """Raise Undecided, because a decimal has another scale, or a number becomes a decimal or ends to be one."""
    kept = "no decimal" if operation.old is None else f"a decimal with scale={operation.old}"
    name = f"{operation.table_name}.{operation.column_name}"
    raise Undecided(f"{name} is {kept} in the rows that exist: keep that, {_OTHERWISE}")


def refuse_other_kind(operation: ChangeChoicesOp) -> None:
    """Raise Undecided if a choice gets ranks or loses them."""
    name, had = f"{operation.table_name}.{operation.column_name}", isinstance(operation.old, Mapping)
    if had is not isinstance(operation.new, Mapping):
        word = "with" if had else "without"
        raise Undecided(f"{name} is stored {word} ranks in the rows that exist: keep it {word} ranks, {_OTHERWISE}")


def refuse_other_ranks(operation: ChangeChoicesOp) -> None:
    """Raise Undecided if a value of a choice gets another rank, or the rank of another value."""
    name, old, new = f"{operation.table_name}.{operation.column_name}", operation.old, operation.new
    if not isinstance(old, Mapping) or not isinstance(new, Mapping) or not operation.moved:
        return
    value = operation.moved[0]
    if value in old:
        raise Undecided(f"{name}: the rank of {value!r} is {old[value]} in the rows that exist: keep it, {_OTHERWISE}")
    taken = f"{new[value]}, the rank of {value!r}, is that of another value in the rows that exist"
    raise Undecided(f"{name}: {taken}: choose another")
