"""The resources and the tables of the project, for what holds of each."""

import pytest

from app.core.data.tables.registry import owned_models, table_name
from app.installed import INSTALLED

every_resource = pytest.mark.parametrize("resource", INSTALLED, ids=lambda resource: table_name(resource.model))
models = pytest.mark.parametrize("model", owned_models(), ids=lambda model: model.__name__)
