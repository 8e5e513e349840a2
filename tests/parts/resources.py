"""The resources of the project, for what holds of each."""

import pytest

from app.core.data.tables.registry import table_name
from app.installed import INSTALLED

every_resource = pytest.mark.parametrize("resource", INSTALLED, ids=lambda resource: table_name(resource.model))
