"""Resources with one fault each, and the rule of the contract that finds it: the suite can fail."""

from tests.contract_faults import (
    actions,
    bodies,
    filters,
    headers,
    isolation,
    lists,
    references,
    relations,
    stats,
    values,
    versions,
)
from tests.contract_faults.resource import PATH, Fault, Faultless, OnlyActs, OnlyRead, OnlyWritten

__all__ = ["FAULTS", "PATH", "Fault", "Faultless", "OnlyActs", "OnlyRead", "OnlyWritten"]

FAULTS = (
    *isolation.FAULTS,
    *bodies.FAULTS,
    *actions.FAULTS,
    *versions.FAULTS,
    *lists.FAULTS,
    *filters.FAULTS,
    *references.FAULTS,
    *stats.FAULTS,
    *relations.FAULTS,
    *values.FAULTS,
    *headers.FAULTS,
)
