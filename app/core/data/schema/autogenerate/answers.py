"""Answers of the author that autogenerate needs: renames, values for existing rows, and accepted losses."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


class Undecided(Exception):
    """An answer of the author is missing; the message says which option gives it."""


@dataclass(frozen=True)
class Answers:
    """Answers given as options, and functions that ask for more; a missing answer is an Undecided error.

    A field is written `notes.color`, or `color` alone.
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
        """Tell whether `old` was renamed to `new`; ask if they are alike and no option decides it."""
        given = self._given(self.renames, old)
        if given is not None or not is_alike or (old, new) in self._denied:
            if given is not None and self.renames[given] == new:
                self._used.add(given)
                return True
            return False
        if self.confirm and self.confirm(f"Was {old} renamed to {new}?"):
            return True
        if not self.confirm and not self.allow_loss:
            raise Undecided(
                f"{old} is gone and {new} is new: pass --rename {old}={new} if it is the same,"
                " --allow-loss if its values may be lost"
            )
        self._denied.add((old, new))
        return False

    def default_of(self, table: str, column: str, read: Callable[[str], Any], *, is_reference: bool) -> Any:
        """Return the value for existing rows of a field that becomes required; None if the table has no rows.

        `read` parses an answer; the author sees the message of its ValueError.
        """
        name = f"{table}.{column}"
        if (given := self._default(name)) is not None:
            try:
                return read(given)
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
        return _asked(self.prompt, f"{name} is required", read)

    def replacement_of(self, table: str, column: str, value: str) -> str:
        """Return the replacement of a value that was removed from the choices of a field."""
        name = f"{table}.{column}"
        if (given := self._default(name)) is not None:
            return given
        if not self.prompt:
            raise Undecided(f"{name} can no longer be {value!r}: pass --default {name}=VALUE for the rows where it is")
        return self.prompt(f"{name} can no longer be {value!r}. Value for the rows where it is")

    def confirm_losses(self, losses: Iterable[str]) -> None:
        lost = "; ".join(losses)
        if not lost or self.allow_loss or (self.confirm and self.confirm(f"{lost[0].upper()}{lost[1:]}. Go on?")):
            return
        raise Undecided(f"{lost}: pass --allow-loss to accept this")

    def refuse_unused(self) -> None:
        # The name in an unused option is misspelt, or needs no answer.
        for old, new in self.renames.items():
            if old not in self._used:
                raise Undecided(
                    f"--rename {old}={new} does not fit: {old} must be gone from the models, and {new} new in them;"
                    " to swap two names, rename in several migrations"
                )
        if unused := [name for name in (*self.defaults, *self.empty) if name not in self._used]:
            raise Undecided(f"no change of {unused[0]} needs an answer: correct the name, or leave the option out")

    def _given(self, answers: Mapping[str, str], name: str) -> str | None:
        return next((spelling for spelling in (name, name.rpartition(".")[2]) if spelling in answers), None)

    def _default(self, name: str) -> str | None:
        given = self._given(self.defaults, name)
        if given is None:
            return None
        self._used.add(given)
        return self.defaults[given]


def _asked(prompt: Callable[[str], str], reason: str, read: Callable[[str], Any]) -> Any:
    while True:
        try:
            return read(prompt(f"{reason}. Value for the rows that exist"))
        except ValueError as error:
            reason = str(error)
