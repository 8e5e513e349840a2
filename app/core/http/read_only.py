"""Read-only fields: a client may send a row back as it came, with the fields that only the server sets.

Such a body fails its validation first, because its schema does not have them. So no other body pays for it.
"""

import json
from collections.abc import Set as AbstractSet
from typing import Any

from pydantic import ValidationError


def take_read_only(body: bytes, refusal: ValidationError, read_only: AbstractSet[str]) -> tuple[bytes, dict[str, Any]]:
    """Return a JSON object without the read-only fields for which it was refused, and these fields.

    Raises:
        ValidationError: it was not refused for any of them.
    """
    found = refusal.errors(include_url=False, include_context=False, include_input=False)
    names = {error["loc"][0] for error in found if error["type"] == "extra_forbidden"} & read_only
    if not names:
        raise refusal
    fields = json.loads(body)
    taken = {str(name): fields.pop(name) for name in names}
    return json.dumps(fields).encode(), taken
