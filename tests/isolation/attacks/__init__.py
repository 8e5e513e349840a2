"""What a session could be asked about another owner's rows: every statement shape, and every repository method.

An attack is a coroutine (session, model, theirs) -> whatever came back; `theirs` is another owner's stored row. The
same table serves the three layers of isolation and every owned table there is.
"""

from tests.isolation.attacks.filtered import COUNTS, READS
from tests.isolation.attacks.refused import FORGED, REFUSED
from tests.isolation.attacks.repository import REFERENCES, REPOSITORY, references_of
from tests.isolation.attacks.shapes import Attack
from tests.isolation.attacks.writes import POSTGRES_WRITES, WRITES

__all__ = [
    "COUNTS",
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
