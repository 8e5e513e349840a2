"""What only the author of a change knows: what was renamed, what the rows that exist get, and what may be lost."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field


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

    def is_rename(self, old: str, new: str) -> bool:
        """Tell whether what is called `old` is now called `new`; a field's `old` has its table before it.

        Raises:
            Undecided: nobody said, and nobody can be asked.
        """
        if (known := self._of(self.renames, old)) is not None or (old, new) in self._denied:
            return known == new
        if self.confirm and self.confirm(f"Was {old} renamed to {new}?"):
            return True
        if not self.confirm and not self.allow_loss:
            raise Undecided(
                f"{old} is gone and {new} is new: pass --rename {old}={new} if it is the same,"
                " --allow-loss if its values may go"
            )
        self._denied.add((old, new))
        return False

    def default_of(self, table: str, column: str, is_reference: bool) -> str | None:
        """Return what the rows that exist get in a field that is required from now on; None where there are no rows.

        Raises:
            Undecided: nobody said, and nobody can be asked.
        """
        name = f"{table}.{column}"
        if (known := self._of(self.defaults, name)) is not None:
            return known
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
        return self.prompt(f"{name} is required. Value for the rows that exist")

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
        given = [*self.renames, *self.defaults, *self.empty]
        if unused := [name for name in given if name not in self._used]:
            raise Undecided(
                f"{unused[0]} does not change in a way that needs an answer; leave it out, or look at its name"
            )

    def _of(self, answers: Mapping[str, str], name: str) -> str | None:
        for spelling in (name, name.rpartition(".")[2]):
            if spelling in answers:
                self._used.add(spelling)
                return answers[spelling]
        return None
