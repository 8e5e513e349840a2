"""The resources and the tables of the project, for what holds of each."""

import pytest

from app.core.data.tables.registry import owned_models, table_name
from app.installed import INSTALLED

every_resource = pytest.mark.parametrize("resource", INSTALLED, ids=lambda resource: table_name(resource.model))
models = pytest.mark.parametrize("model", owned_models(), ids=lambda model: model.__name__)
# For what the frame does alike for all of them, and the contract says of each.
one_resource = pytest.mark.parametrize("resource", INSTALLED[-1:], ids=lambda resource: table_name(resource.model))
