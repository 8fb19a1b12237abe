"""When marks were made and renewed, so that an amendment waits until what touches its day has come to rest."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = (
    """ALTER TABLE late_marks
        ADD COLUMN marked_at timestamptz NOT NULL DEFAULT '-infinity',
        ADD COLUMN renewed_at timestamptz NOT NULL DEFAULT '-infinity'""",
    "ALTER TABLE late_marks ALTER COLUMN marked_at DROP DEFAULT, ALTER COLUMN renewed_at DROP DEFAULT",
)


def upgrade() -> None:
    """Add the columns; the marks that are there are long at rest."""
    for statement in STATEMENTS:
        op.execute(statement)
