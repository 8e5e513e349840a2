"""Projects for tests and for seeding."""

from app.projects.models import Project
from app.testing.factories import RowFactory


class ProjectFactory(RowFactory[Project]):
    """A project of somebody, in use and without a description."""
