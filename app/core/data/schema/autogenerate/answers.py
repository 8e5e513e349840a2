"""What only the author of a change knows: what was renamed, what the rows that exist get, and what may be lost."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


class Undecided(Exception):
    """The author has to say something first; the message says what, and how."""


@dataclass(frozen=True)
class Answers:
    """What the author said beforehand, and how to ask for the rest; nobody can be asked without `confirm` and `prompt`.

    A field is named `notes.color`, or `color` alone. `refuse_unused` refuses names that nothing asked for.
    """

    renames: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()
    allow_loss: bool = False
    confirm: Callable[[str], bool] | None = None
    prompt: Callable[[str], str] | None = None
    _used: set[str] = field(default_factory=set)
    _denied: set[tuple[str, str]] = field(default_factory=set)

    def is_rename(self, old: str, new: str, *, is_alike: bool = True) -> bool:
        """Tell whether what is called `old` is now called `new`; a field's `old` has its table before it.

        Of two that are not alike nobody is asked.

        Raises:
            Undecided: nobody said, and nobody can be asked.
        """
        spelled = next((name for name in (old, old.rpartition(".")[2]) if name in self.renames), None)
        if spelled is not None or not is_alike or (old, new) in self._denied:
            if spelled is not None and self.renames[spelled] == new:
                self._used.add(spelled)
                return True
            return False
        if self.confirm and self.confirm(f"Was {old} renamed to {new}?"):
            return True
        if not self.confirm and not self.allow_loss:
            raise Undecided(
                f"{old} is gone and {new} is new: pass --rename {old}={new} if it is the same,"
                " --allow-loss if its values may go"
            )
        self._denied.add((old, new))
        return False

    def default_of(self, table: str, column: str, read: Callable[[str], Any], *, is_reference: bool) -> Any:
        """Return what the rows that exist get in a field that is required from now on; None where there are no rows.

        `read` turns what was written down into a value; it raises a ValueError, whose sentence is shown.

        Raises:
            Undecided: nobody said it, or what was said is no value, and nobody can be asked.
        """
        name = f"{table}.{column}"
        if (known := self._of(self.defaults, name)) is not None:
            try:
                return read(known)
            except ValueError as error:
                raise Undecided(str(error)) from None
        if table in self.empty:
            self._used.add(table)
            return None
        if is_reference:
            raise Undecided(
                f"{name} is required and refers to other rows, so no value fits the rows that exist: make it optional,"
                f" or pass --empty {table} if it has no rows anywhere"
            )
        if not self.prompt:
            raise Undecided(f"{name} is required: pass --default {name}=VALUE for the rows that exist")
        question = f"{name} is required. Value for the rows that exist"
        while True:
            try:
                return read(self.prompt(question))
            except ValueError as error:
                question = f"{error}. Value for the rows that exist"

    def replacement_of(self, table: str, column: str, value: str) -> str:
        """Return what the rows get that have a value which a field may not have any more.

        Raises:
            Undecided: nobody said, and nobody can be asked.
        """
        name = f"{table}.{column}"
        if (known := self._of(self.defaults, name)) is not None:
            return known
        if not self.prompt:
            raise Undecided(f"{name} can no longer be {value!r}: pass --default {name}=VALUE for the rows where it is")
        return self.prompt(f"{name} can no longer be {value!r}. Value for the rows where it is")

    def accept_loss(self, losses: Iterable[str]) -> None:
        """Go on where values may be lost.

        Raises:
            Undecided: they may not, or nobody can be asked.
        """
        lost = "; ".join(losses)
        if not lost or self.allow_loss or (self.confirm and self.confirm(f"{lost[0].upper()}{lost[1:]}. Go on?")):
            return
        raise Undecided(f"{lost}: pass --allow-loss if it may go")

    def refuse_unused(self) -> None:
        """Refuse a name in the answers that nothing asked for.

        Raises:
            Undecided: it is misspelt, or of no use.
        """
        for old, new in self.renames.items():
            if old not in self._used:
                raise Undecided(
                    f"--rename {old}={new} does not fit: {old} has to be gone from the models, and {new} new there;"
                    " what changes places is renamed in several migrations"
                )
        if unused := [name for name in (*self.defaults, *self.empty) if name not in self._used]:
            raise Undecided(
                f"{unused[0]} does not change in a way that needs an answer; leave it out, or look at its name"
            )

    def _of(self, answers: Mapping[str, str], name: str) -> str | None:
        for spelling in (name, name.rpartition(".")[2]):
            if spelling in answers:
                self._used.add(spelling)
                return answers[spelling]
        return None
