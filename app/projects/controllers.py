"""The operations on projects, at /api/projects."""

from app.core.http.resource.controller import ResourceController
from app.projects.models import Project
from app.projects.schemas import ProjectCreate, ProjectUpdate


class ProjectController(ResourceController[Project, ProjectCreate, ProjectUpdate]):
    """Your projects. The tasks of a deleted project stay, without a project."""

    path = "/api/projects"
