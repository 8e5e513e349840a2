"""`python -m tests.words.scaffold TABLES FIELDS`: writes a noun for each word of the first, with fields of the second.

Both are lists in JSON. What is refused comes back as JSON: each word with its sentence, by `table` and `field`.
"""

import json
import sys
from itertools import cycle
from typing import Final

import click

from app.core.cli.scaffold.fields import parse_fields
from app.core.cli.scaffold.installed import add_controller
from app.core.cli.scaffold.names import Noun, refuse_clashes, refuse_names, refuse_plural
from app.core.cli.scaffold.templates import render
from app.settings import BASE_DIR

KINDS: Final = (
    *("str", "text?", "bool", "int?", "float?", "date?", "datetime?", "uuid?", "choice:a,b?", "ranked:low,high?"),
    *("decimal:2?", "json?", "email?", "url?"),
)
LISTED: Final = BASE_DIR / "app" / "installed.py"


def noun_of(word: str, fields: list[str], target: str | None = None) -> Noun:
    """A noun of which one is called as several are, and which may refer to another one."""
    words = [f"{name}:{kind}" for name, kind in zip(fields, cycle(KINDS), strict=False)]
    if target:
        return Noun(word, word, parse_fields([*words, f"{target}:ref?"], {target: target}))
    return Noun(word, word, parse_fields(words, {}))


def refusal(noun: Noun) -> str | None:
    """The sentence with which a noun is refused, if it is."""
    try:
        refuse_plural(noun.plural, ())
        refuse_names(noun)
        refuse_clashes(render(noun), ())
    except click.UsageError as error:
        return error.message
    return None


def write(noun: Noun) -> None:
    """Write its files, and its line in `installed.py`."""
    for name, text in render(noun).items():
        (BASE_DIR / name).parent.mkdir(parents=True, exist_ok=True)
        (BASE_DIR / name).write_text(text)
    controller = f"{noun.class_name}Controller"
    LISTED.write_text(add_controller(LISTED.read_text(), f"app.{noun.plural}.controllers", controller))


def main() -> None:
    """Write them all: a noun has the field that is called as it is, and its share of the others."""
    asked_tables, asked_fields = map(json.loads, sys.argv[1:])
    of_each_kind = [f"field_{number}" for number in range(len(KINDS))]
    refused_fields = {word: refusal(noun_of("probes", [word])) for word in asked_fields}
    refused_tables = {word: refusal(noun_of(word, of_each_kind)) for word in asked_tables}
    fields = [word for word, sentence in refused_fields.items() if not sentence]
    tables = [word for word, sentence in refused_tables.items() if not sentence]
    before: str | None = None
    for number, word in enumerate(tables):
        theirs = {*fields[number :: len(tables)], *({word} & set(fields))}
        write(noun_of(word, sorted(theirs), None if before == "user" else before))  # user_id is whose a row is
        before = word
    refused = {"table": refused_tables, "field": refused_fields}
    sys.stdout.write(json.dumps({k: {word: said for word, said in v.items() if said} for k, v in refused.items()}))


if __name__ == "__main__":
    main()
