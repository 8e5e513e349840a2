"""Attacks: every form of statement, and every repository method, applied to another owner's rows.

An attack is a coroutine (session, model, theirs) -> result; `theirs` is a stored row of another owner. The same attacks
test the three layers of isolation, on every owned table.
"""

from tests.isolation.attacks.filtered import COUNTS, READS
from tests.isolation.attacks.refused import FORGED, REFUSED
from tests.isolation.attacks.repository import EXPANDED, REFERENCES, REPOSITORY, references_of
from tests.isolation.attacks.shapes import Attack
from tests.isolation.attacks.writes import POSTGRES_WRITES, WRITES

__all__ = [
    "COUNTS",
    "EXPANDED",
    "FORGED",
    "POSTGRES_WRITES",
    "READS",
    "REFERENCES",
    "REFUSED",
    "REPOSITORY",
    "WRITES",
    "Attack",
    "references_of",
]
