"""The singular of an English plural, by rules. If the rules leave a doubt, the author must give it.

Of the libraries for this, one takes more than a second to import, and another one turns `caches` into `cach`.
"""

import re
from typing import Final

import click

_IRREGULAR: Final = {
    **{"people": "person", "children": "child", "men": "man", "women": "woman", "mice": "mouse", "feet": "foot"},
    **{"teeth": "tooth", "geese": "goose", "knives": "knife", "leaves": "leaf", "lives": "life"},
    **{"wives": "wife", "loaves": "loaf", "thieves": "thief", "scarves": "scarf"},
    **{"quizzes": "quiz", "indices": "index", "matrices": "matrix", "vertices": "vertex", "analyses": "analysis"},
    **{"aliases": "alias", "canvases": "canvas", "gases": "gas", "lenses": "lens", "heroes": "hero", "shoes": "shoe"},
    **{"potatoes": "potato", "tomatoes": "tomato", "caches": "cache"},
}
# A rule has the letters before the ending, the ending of the plural, and the ending of the singular. The first match
# counts. None is a doubt: the word may be a singular, or have two singulars.
_RULES: Final = tuple(
    (re.compile(f"(.*(?:{before})){plural}"), singular)
    for before, plural, singular in (
        ("s|u|i|^new|^len|^ga|^canva|^alia|^atla|^bia|^corp|^mean", "s", None),
        ("^serie|^specie|^axe|^base|^oase|diagnose|synopse|avalanche", "s", None),
        ("^mov|cook|^pix|^self|zomb|calor|brown|smooth|hood|rook|^gen|prair|^goal|^food|^p|^t|^l", "ies", "ie"),
        ("[^aeiou]", "ies", "y"),
        ("ss|sh|[aeio]x", "es", ""),
        ("[nrt]ch|[eo]ach|eech|ouch", "es", ""),
        ("atus|irus|onus|mpus|nsus|ocus|^bus", "es", ""),
        ("[lnr]|[ao]u|[bcehr]a|[hptv]i|[pr][rc]i|omi|noi|po|ro|do", "ses", "se"),
        ("[aeio]", "zes", "ze"),
        ("hal|shel|wol", "ves", "f"),
        ("ch|i|lv|o|s|x|z", "es", None),
        ("", "s", ""),
    )
)


def singular_of(plural: str) -> str:
    """Return the singular of the last word, like `line_item` for `line_items`.

    Raises:
        click.UsageError: the rules leave a doubt.
    """
    before, _, last = plural.rpartition("_")
    singular = _IRREGULAR.get(last) or _apply_rules(last)
    if not singular or len(last) < 3:
        raise click.UsageError(
            f"the singular of {plural!r} is not clear; give it with --singular, or write a plural, like notes."
        )
    return f"{before}_{singular}" if before else singular


def _apply_rules(plural: str) -> str | None:
    for rule, ending in _RULES:
        if found := rule.fullmatch(plural):
            return None if ending is None else found[1] + ending
    return None
