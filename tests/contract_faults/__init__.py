"""Resources with one fault each, and the rule of the contract that finds it: the suite can fail."""

from tests.contract_faults import bodies, headers, isolation, lists, references, values, versions
from tests.contract_faults.resource import PATH, Fault, Faultless, OnlyRead, OnlyWritten

__all__ = ["FAULTS", "PATH", "Fault", "Faultless", "OnlyRead", "OnlyWritten"]

FAULTS = (
    *isolation.FAULTS,
    *bodies.FAULTS,
    *versions.FAULTS,
    *lists.FAULTS,
    *references.FAULTS,
    *values.FAULTS,
    *headers.FAULTS,
)
