"""When marks were made and renewed, so that an amendment waits until what touches its day has come to rest."""

from alembic import op

revision = "0006"
down_revision = "0005"

COLUMNS = ("marked_at", "renewed_at")


def upgrade() -> None:
    """Add the columns; the marks that are there are long at rest."""
    for column in COLUMNS:
        op.execute(f"ALTER TABLE late_marks ADD COLUMN {column} timestamptz NOT NULL DEFAULT '-infinity'")
        op.execute(f"ALTER TABLE late_marks ALTER COLUMN {column} DROP DEFAULT")
