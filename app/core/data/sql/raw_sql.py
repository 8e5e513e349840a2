"""Scoped engines refuse raw SQL at any depth of a statement, because the compiler cannot see which tables it reads."""

import re
from typing import Any, Final, NoReturn

from sqlalchemy.sql.compiler import DDLCompiler, GenericTypeCompiler, SQLCompiler

from app.core.data.errors import UnreachableStatement

# SQLAlchemy itself writes these as raw SQL. The SQL of this project's `@compiles` functions is not checked.
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
# Functions that run SQL, read data outside the statement's tables, count the rows of all owners, or change the owner
# in the row level security policies.
_FORBIDDEN_FUNCTIONS: Final = re.compile(
    r"pg_(?!typeof$|column_size$|sleep$|(try_)?advisory_xact_lock(_shared)?$).*"
    r"|currtid.*|lo_.*|dblink.*|.*_to_xml.*|ts_stat|ts_rewrite|xpath_table|crosstab.*|connectby|set_config|nextval|setval|currval|lastval|has_.*_privilege|txid_.*"
    r"|load_extension|readfile|writefile|edit|fts3_tokenizer|sqlite_.*|pragma_.*|dbstat"
    r"|last_insert_rowid|changes|total_changes"
)


class NoRawSql(SQLCompiler):
    """Refuses raw SQL, and functions that read data outside the statement's tables, with UnreachableStatement."""

    def visit_column(self, column: Any, *args: Any, **kw: Any) -> Any:
        if column.is_literal and not _ALLOWED_TEXT.fullmatch(column.name):
            _refuse(f"The raw SQL {column.name!r}")
        return super().visit_column(column, *args, **kw)

    def escape_literal_column(self, text: str) -> Any:
        is_placeholder = "?" in text and self.dialect.paramstyle == "qmark"
        if is_placeholder or not (_ALLOWED_TEXT.fullmatch(text) or _ALLOWED_OPERATORS.fullmatch(text)):
            _refuse(f"The operator {text!r}")
        return super().escape_literal_column(text)

    def visit_textclause(self, textclause: Any, *args: Any, **kw: Any) -> Any:
        if not _ALLOWED_TEXT.fullmatch(textclause.text):
            _refuse("Raw SQL in a statement")
        return super().visit_textclause(textclause, *args, **kw)

    def visit_function(self, func: Any, *args: Any, **kw: Any) -> Any:
        names = (func.name, *func.packagenames)
        if not all(_FUNCTION_NAME.fullmatch(name) for name in names) or _FORBIDDEN_FUNCTIONS.fullmatch(
            func.name.lower()
        ):
            _refuse(f"The function {func.name}()")
        return super().visit_function(func, *args, **kw)

    def visit_extract(self, extract: Any, **kw: Any) -> Any:
        if not extract.field.isidentifier():
            _refuse(f"The field {extract.field!r} of extract()")
        return super().visit_extract(extract, **kw)

    def visit_bindparam(self, bindparam: Any, *args: Any, **kw: Any) -> Any:
        # Problem: SQLAlchemy replaces its marks (`__[POSTCOMPILE_x]`) in the finished SQL, also inside a quoted string,
        # so a quoted value can become SQL. Decision: refuse values in the SQL. Cost: `aggregate_strings()` writes its
        # separator, so it is refused too; `string_agg()` and `group_concat()` take a parameter.
        if kw.get("literal_binds") or kw.get("literal_execute") or bindparam.literal_execute:
            _refuse("A value that is written into the SQL")
        return super().visit_bindparam(bindparam, *args, **kw)

    def _refuse_element(self, *_: Any, **__: Any) -> NoReturn:
        _refuse("Raw SQL, a hint or a sequence")

    visit_tstring = visit_textual_select = visit_sequence = visit_next_value_func = _refuse_element
    format_from_hint_text = get_select_hint_text = get_statement_hint_text = _refuse_element


class NoRawTypes(GenericTypeCompiler):
    """Refuses SQL in the name of a type: SQLAlchemy does not quote a type's name, length and collation."""

    def process(self, type_: Any, **kw: Any) -> str:
        name = super().process(type_, **kw)
        if not _TYPE_NAME.fullmatch(name):
            _refuse(f"The type {name!r}")
        return name


class NoDDL(DDLCompiler):
    """Refuses DDL: only migrations change the schema, on another engine."""

    def process(self, *_: Any, **__: Any) -> NoReturn:
        raise UnreachableStatement("A session cannot change the schema; write a migration.")


def _refuse(element: str) -> NoReturn:
    raise UnreachableStatement(f"{element} cannot be limited to one owner; use mapped columns and bound values.")
