"""The names of a resource's rows in the docs."""

import re
from typing import NamedTuple


class Names(NamedTuple):
    """The singular and the plural: `line item`, `line items`."""

    noun: str
    nouns: str

    @classmethod
    def of(cls, class_name: str, table_name: str) -> "Names":
        """Return the names for a class and its table, like `LineItem` and `line_items`."""
        return cls(re.sub(r"(?<!^)(?=[A-Z])", " ", class_name).lower(), table_name.replace("_", " "))

    @property
    def a_noun(self) -> str:
        return f"an {self.noun}" if self.noun[0] in "aeiou" else f"a {self.noun}"

    def substitute(self, text: str) -> str:
        """Replace `{noun}`, `{a_noun}` and `{nouns}` in a text; other braces stay as they are."""
        for name in ("noun", "a_noun", "nouns"):
            text = text.replace(f"{{{name}}}", getattr(self, name))
        return text
