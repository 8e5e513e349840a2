"""Naming: what the docs call the rows of a resource."""

import re
from typing import NamedTuple


class Names(NamedTuple):
    """What one row is called in a sentence, and what several are called: `line item`, `line items`."""

    noun: str
    nouns: str

    @classmethod
    def of(cls, class_name: str, table_name: str) -> "Names":
        """Read the names off those of a class and of its table: `LineItem` and `line_items`."""
        return cls(re.sub(r"(?<!^)(?=[A-Z])", " ", class_name).lower(), table_name.replace("_", " "))

    @property
    def a_noun(self) -> str:
        """One row, with its article."""
        return f"an {self.noun}" if self.noun[0] in "aeiou" else f"a {self.noun}"

    def substitute(self, text: str) -> str:
        """Replace `{noun}`, `{a_noun}` and `{nouns}` in a text; other braces stay as they are."""
        for name in ("noun", "a_noun", "nouns"):
            text = text.replace(f"{{{name}}}", getattr(self, name))
        return text
