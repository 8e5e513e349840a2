"""cleared tasks are changed

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-28 08:30:00.000000
"""

from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply, in a transaction of its own."""
    op.keep_on_delete('tasks', 'project_id', 'projects')
    op.clear_on_delete('tasks', 'project_id', 'projects', changed_at='updated_at')


def downgrade() -> None:
    """Take back."""
    op.keep_on_delete('tasks', 'project_id', 'projects')
    op.clear_on_delete('tasks', 'project_id', 'projects')
