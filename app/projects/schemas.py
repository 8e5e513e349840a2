"""What a client sends about a project."""

from app.core.http.body.dto import CreateSchema, UpdateSchema
from app.projects.models import ProjectFields


class ProjectCreate(ProjectFields, CreateSchema):
    """A new project."""


class ProjectUpdate(ProjectFields, UpdateSchema):
    """What to change about a project."""
