"""Resources with one fault each, and the rule of the contract that finds it: the suite can fail."""

from tests.faulty import bodies, headers, isolation, lists, references, states, values
from tests.faulty.resource import PATH, Fault, Faultless

__all__ = ["FAULTS", "PATH", "Fault", "Faultless"]

FAULTS = (
    *isolation.FAULTS,
    *bodies.FAULTS,
    *states.FAULTS,
    *lists.FAULTS,
    *references.FAULTS,
    *values.FAULTS,
    *headers.FAULTS,
)
