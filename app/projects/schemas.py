"""The bodies of requests that create or change a project."""

from app.core.http.body.dto import CreateSchema, UpdateSchema
from app.projects.models import ProjectFields


class ProjectCreate(ProjectFields, CreateSchema):
    """A new project."""


class ProjectUpdate(ProjectFields, UpdateSchema):
    """Changes to a project."""
