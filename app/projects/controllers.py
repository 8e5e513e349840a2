"""What is offered about projects: the operations of a resource, at /api/projects."""

from app.core.http.resource.controller import ResourceController
from app.projects.models import Project
from app.projects.schemas import ProjectCreate, ProjectUpdate


class ProjectController(ResourceController[Project, ProjectCreate, ProjectUpdate]):
    """Your projects. The tasks of one that is deleted stay, and belong to none."""

    path = "/api/projects"
