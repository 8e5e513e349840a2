"""Answers of the author that autogenerate needs: what was renamed, values for existing rows, what may be lost."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


class Undecided(Exception):
    """An answer of the author is missing; the message says which option gives it."""


@dataclass(frozen=True)
class Answers:
    """Answers given as options, and functions that ask for more; without these, a missing answer is an error.

    A field is named `notes.color`, or `color` alone.
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
        """Tell whether `old` was renamed to `new`; it asks only about two that are alike. A field is `table.column`.

        Raises:
            Undecided: there is no answer, and no terminal to ask on.
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
        """Return the value for existing rows in a field that becomes required; None if the table has no rows anywhere.

        `read` parses an answer; the message of its ValueError is shown.

        Raises:
            Undecided: there is no valid answer, and no terminal to ask on.
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
        """Return the replacement of a value that was removed from the choices of a field.

        Raises:
            Undecided: there is no answer, and no terminal to ask on.
        """
        name = f"{table}.{column}"
        if (known := self._of(self.defaults, name)) is not None:
            return known
        if not self.prompt:
            raise Undecided(f"{name} can no longer be {value!r}: pass --default {name}=VALUE for the rows where it is")
        return self.prompt(f"{name} can no longer be {value!r}. Value for the rows where it is")

    def accept_loss(self, losses: Iterable[str]) -> None:
        """Ask before values are lost.

        Raises:
            Undecided: the answer is no, or there is no terminal to ask on.
        """
        lost = "; ".join(losses)
        if not lost or self.allow_loss or (self.confirm and self.confirm(f"{lost[0].upper()}{lost[1:]}. Go on?")):
            return
        raise Undecided(f"{lost}: pass --allow-loss if it may go")

    def refuse_unused(self) -> None:
        """Refuse an answer to a question that was not asked, which is a misspelt name or a needless option.

        Raises:
            Undecided: the message names the option.
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
