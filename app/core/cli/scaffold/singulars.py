"""What one of several is called: the plain rules of English; where they leave a doubt, the author has to say.

No library does it well and lightly: of those that there are, one takes more than a second to import, and the other
calls one of several caches a `cach`.
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
# Each is what stands before the ending, the ending, and what one has in its place. The first that fits is the rule;
# None leaves a doubt: it is one already, or one of two.
_RULES: Final = tuple(
    (re.compile(f"(.*(?:{before})){ending}"), one)
    for before, ending, one in (
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
    """Return what one of several is called, where English leaves no doubt; of `line_items` the last word says it.

    Raises:
        click.UsageError: there is a doubt; the author has to say.
    """
    before, _, last = plural.rpartition("_")
    one = _IRREGULAR.get(last) or _apply_rules(last)
    if not one or len(last) < 3:
        raise click.UsageError(
            f"what is one of {plural!r} called? Say it with --singular, or name several, like notes."
        )
    return f"{before}_{one}" if before else one


def _apply_rules(several: str) -> str | None:
    for rule, one in _RULES:
        if found := rule.fullmatch(several):
            return None if one is None else found[1] + one
    return None
