"""one key

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-28 13:30:00.000000
"""

from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

# For databases that were made before protect_owner() did this. SQLite keeps its keys.
# In the order in which a new task locks them, so that to create one meanwhile is no deadlock. Who deletes a project
# locks them the other way round; that is repeated.
TABLES = ('tasks', 'projects')


def upgrade() -> None:
    """Apply, in a transaction of its own."""
    if op.get_bind().dialect.name == 'postgresql':
        for table in TABLES:
            op.execute(f'ALTER TABLE {table} DROP CONSTRAINT IF EXISTS pk_{table}')
            op.execute(f'ALTER TABLE {table} REPLICA IDENTITY USING INDEX uq_{table}_user_id_id')


def downgrade() -> None:
    """Take back."""
    if op.get_bind().dialect.name == 'postgresql':
        for table in TABLES:
            op.execute(f'ALTER TABLE {table} REPLICA IDENTITY DEFAULT')
            op.execute(f'ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY (id)')
