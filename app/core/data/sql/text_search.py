"""Text search: a fold that contains a text, or starts with it."""

from typing import Any, Final

from sqlalchemy import BindParameter, Integer, Text, bindparam, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

_LAST: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)  # no text has them


class TextPosition(FunctionElement[int]):
    """The position of a text in another one; 0 if it is not in it."""

    # Not LIKE: there is nothing to escape, and SQLite's LIKE ignores the case of ASCII letters.
    type = Integer()
    inherit_cache = True


def contains_text(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Return the condition that the fold in a column contains the folded text in the parameter `name`."""
    return TextPosition(column, folded(name)) > literal_column("0")


def folded(name: str) -> BindParameter[str]:
    """Return the parameter for a text that is folded already; the column's type would fold it again."""
    return bindparam(name, type_=Text(), required=True)


def next_prefix(prefix: str) -> str | None:
    """Return the smallest text after all texts with this prefix, in the order of code points; None if there is none."""
    kept = prefix.rstrip(chr(_LAST))
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(_SURROGATES.stop if following in _SURROGATES else following)


@compiles(TextPosition, "postgresql")
def _compile_for_postgresql(element: TextPosition, compiler: SQLCompiler, **kw: Any) -> str:
    text, part = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"strpos({text}, {part})"


@compiles(TextPosition, "sqlite")
def _compile_for_sqlite(element: TextPosition, compiler: SQLCompiler, **kw: Any) -> str:
    text, part = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"instr({text}, {part})"
