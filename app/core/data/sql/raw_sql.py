"""Raw SQL has no place in what is served: nobody can tell what it reads.

The compiler refuses it where it would be written, however deep in a statement. What SQLAlchemy itself writes there
passes: `*`, numbers, constants, and operators that are symbols or among a few words. An element that brings its own SQL
(`@compiles`) is code of the project, and nobody looks into it.
"""

import re
from typing import Any, Final, NoReturn

from sqlalchemy.sql.compiler import DDLCompiler, GenericTypeCompiler, SQLCompiler

from app.core.data.errors import UnreachableStatement

_ALLOWED_TEXT: Final = re.compile(r"\*|\d+|NULL|TRUE|FALSE|(NOT )?MATERIALIZED")
_ALLOWED_OPERATORS: Final = re.compile(
    r"(?!.*(--|/\*))[-+*/<>=~!@#%^&|?]+"
    r"|I?LIKE|GLOB|MATCH|REGEXP|SIMILAR TO|IS (NOT )?DISTINCT FROM|AT TIME ZONE|OVERLAPS"
)
_FUNCTION_NAME: Final = re.compile(r"[\w$]+")
_TYPE_NAME: Final = re.compile(
    r'(\w+|"[^"]+")(\.(\w+|"[^"]+"))?(\(\w+(, ?\w+)*\))?'
    r'( (PRECISION|VARYING|WITH|WITHOUT|TIME|ZONE|YEAR|MONTH|DAY|HOUR|MINUTE|SECOND|TO|COLLATE|"[^"]+")(\(\d+\))?)*'
    r"(\[\])*"
)
# Functions that run SQL, read or write past the tables, tell of everybody's rows, or change whom the policies serve.
_FORBIDDEN_FUNCTIONS: Final = re.compile(
    r"pg_(?!typeof$|column_size$|sleep$|(try_)?advisory_xact_lock(_shared)?$).*"
    r"|currtid.*|lo_.*|dblink.*|.*_to_xml.*|ts_stat|ts_rewrite|xpath_table|crosstab.*|connectby|set_config|nextval|setval|currval|lastval|has_.*_privilege|txid_.*"
    r"|load_extension|readfile|writefile|edit|fts3_tokenizer|sqlite_.*|pragma_.*|dbstat"
    r"|last_insert_rowid|changes|total_changes"
)


class NoRawSql(SQLCompiler):
    """Refuses what is text, and functions that reach past the tables of a statement."""

    def visit_column(self, column: Any, *args: Any, **kw: Any) -> Any:
        """Write a column's name, or a literal column.

        Raises:
            UnreachableStatement: it is literal, and more than a star, a number or a constant.
        """
        if column.is_literal and not _ALLOWED_TEXT.fullmatch(column.name):
            _refuse(f"The raw SQL {column.name!r}")
        return super().visit_column(column, *args, **kw)

    def escape_literal_column(self, text: str) -> Any:
        """Write a literal column, or the operator of `op()`.

        Raises:
            UnreachableStatement: it is no operator.
        """
        is_place = "?" in text and self.dialect.paramstyle == "qmark"
        if is_place or not (_ALLOWED_TEXT.fullmatch(text) or _ALLOWED_OPERATORS.fullmatch(text)):
            _refuse(f"The operator {text!r}")
        return super().escape_literal_column(text)

    def visit_textclause(self, textclause: Any, *args: Any, **kw: Any) -> Any:
        """Write a text, which prefixes, suffixes and `text()` are, if it is a star, a number or a constant.

        Raises:
            UnreachableStatement: it is more.
        """
        if not _ALLOWED_TEXT.fullmatch(textclause.text):
            _refuse("Raw SQL in a statement")
        return super().visit_textclause(textclause, *args, **kw)

    def visit_function(self, func: Any, *args: Any, **kw: Any) -> Any:
        """Write a call of a function.

        Raises:
            UnreachableStatement: it reaches past the statement's tables, or its name is more than a name.
        """
        names = (func.name, *func.packagenames)
        if not all(_FUNCTION_NAME.fullmatch(name) for name in names) or _FORBIDDEN_FUNCTIONS.fullmatch(
            func.name.lower()
        ):
            _refuse(f"The function {func.name}()")
        return super().visit_function(func, *args, **kw)

    def visit_extract(self, extract: Any, **kw: Any) -> Any:
        """Write EXTRACT of a field.

        Raises:
            UnreachableStatement: the field is no word.
        """
        if not extract.field.isidentifier():
            _refuse(f"The field {extract.field!r} of extract()")
        return super().visit_extract(extract, **kw)

    def visit_bindparam(self, bindparam: Any, *args: Any, **kw: Any) -> Any:
        """Write a value's place.

        Raises:
            UnreachableStatement: the value itself is to be written.
        """
        # Also a text, which is put in quotes: SQLAlchemy replaces its marks within them. So there is no
        # `aggregate_strings()`; `string_agg()` and `group_concat()` take their separator as a value.
        if kw.get("literal_binds") or kw.get("literal_execute") or bindparam.literal_execute:
            _refuse("A value that is written as SQL")
        return super().visit_bindparam(bindparam, *args, **kw)

    def _refuse_element(self, *_: Any, **__: Any) -> NoReturn:
        _refuse("Raw SQL, a hint or a sequence")

    visit_tstring = visit_textual_select = visit_sequence = visit_next_value_func = _refuse_element
    format_from_hint_text = get_select_hint_text = get_statement_hint_text = _refuse_element


class NoRawTypes(GenericTypeCompiler):
    """Refuses types whose name is more than a name: what a type says of itself, limits too, is written as it is."""

    def process(self, type_: Any, **kw: Any) -> str:
        """Write the name of a type.

        Raises:
            UnreachableStatement: it is more than a name with limits.
        """
        name = super().process(type_, **kw)
        if not _TYPE_NAME.fullmatch(name):
            _refuse(f"The type {name!r}")
        return name


class NoDDL(DDLCompiler):
    """Refuses to change the schema: that is for migrations, which use an engine of their own."""

    def process(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse.

        Raises:
            UnreachableStatement: always.
        """
        raise UnreachableStatement("A session changes no schema; write a migration.")


def _refuse(what: str) -> NoReturn:
    raise UnreachableStatement(f"{what} is out of the owner's reach; write it with mapped columns and bound values.")
