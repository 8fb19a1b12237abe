"""A region's revisions in the order in which they were stored, so that who follows them reads the new ones alone."""

from alembic import op

revision = "0010"
down_revision = "0009"

IN_ORDER = "CREATE INDEX joint_embedding_revisions_in_order ON joint_embedding_revisions (region, sequence)"


def upgrade() -> None:
    """Create the index."""
    op.execute(IN_ORDER)
