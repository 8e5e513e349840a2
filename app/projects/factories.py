"""Projects for tests and `app seed`."""

from app.projects.models import Project
from app.testing.factories import RowFactory


class ProjectFactory(RowFactory[Project]):
    """Builds projects that are not archived, without a description."""
