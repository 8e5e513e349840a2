"""The guide's stack, as somebody new to it writes it down: FastAPI, SQLModel, a session and a token per request."""

# mypy: ignore-errors
# FastAPI is no dependency of the project.

import os
from datetime import UTC, datetime
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Column, DateTime
from sqlmodel import Field, Session, SQLModel, create_engine, select

engine = create_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1),
    pool_size=10,
    max_overflow=20,
    pool_timeout=30,
    pool_recycle=3600,
    pool_pre_ping=True,
)
bearer = HTTPBearer()


def now():
    return datetime.now(UTC)


def timestamp():
    return Field(default_factory=now, sa_column=Column(DateTime(timezone=True), nullable=False))


class Task(SQLModel, table=True):
    __tablename__ = "tasks"

    id: int | None = Field(default=None, primary_key=True)
    user_id: str = Field(max_length=255, index=True)
    title: str = Field(min_length=1, max_length=200)
    description: str | None = None
    completed: bool = False
    created_at: datetime = timestamp()
    updated_at: datetime = timestamp()


class TaskCreate(SQLModel):
    title: str = Field(min_length=1, max_length=200)
    description: str | None = None


class TaskUpdate(SQLModel):
    title: str | None = Field(default=None, min_length=1, max_length=200)
    description: str | None = None
    completed: bool | None = None


class TaskResponse(SQLModel):
    id: int
    user_id: str
    title: str
    description: str | None
    completed: bool
    created_at: datetime
    updated_at: datetime


def get_session():
    with Session(engine) as session:
        yield session


def get_current_user(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]):
    try:
        return jwt.decode(credentials.credentials, os.environ["BETTER_AUTH_SECRET"], algorithms=["HS256"])["sub"]
    except jwt.PyJWTError:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Invalid token") from None


app = FastAPI()
DbSession = Annotated[Session, Depends(get_session)]
User = Annotated[str, Depends(get_current_user)]


@app.get("/health")
def health():
    return {"status": "ok"}


@app.get("/api/tasks", response_model=list[TaskResponse])
def list_tasks(session: DbSession, user: User, limit: Annotated[int, Query(le=100)] = 100, offset: int = 0):
    return session.exec(select(Task).where(Task.user_id == user).order_by(Task.id).offset(offset).limit(limit)).all()


def find(session, task_id, user):
    task = session.exec(select(Task).where(Task.id == task_id, Task.user_id == user)).first()
    if not task:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "Task not found")
    return task


def store(session, task):
    session.add(task)
    session.commit()
    session.refresh(task)
    return task


@app.get("/api/tasks/{task_id}", response_model=TaskResponse)
def get_task(task_id: int, session: DbSession, user: User):
    return find(session, task_id, user)


@app.post("/api/tasks", response_model=TaskResponse, status_code=status.HTTP_201_CREATED)
def create_task(data: TaskCreate, session: DbSession, user: User):
    return store(session, Task(**data.model_dump(), user_id=user))


@app.put("/api/tasks/{task_id}", response_model=TaskResponse)
def update_task(task_id: int, data: TaskUpdate, session: DbSession, user: User):
    task = find(session, task_id, user)
    for field, value in data.model_dump(exclude_unset=True).items():
        setattr(task, field, value)
    task.updated_at = now()
    return store(session, task)
