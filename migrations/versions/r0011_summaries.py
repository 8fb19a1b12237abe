"""What a revision tells beside its vector, in a column of its own, so that a page of days need not read vectors."""

from alembic import op

revision = "0011"
down_revision = "0010"

STATEMENTS = (
    "ALTER TABLE joint_embedding_revisions ADD COLUMN summary bytea",
    """CREATE TRIGGER append_only_summary BEFORE UPDATE OF summary ON joint_embedding_revisions
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_revisions()""",
)


def upgrade() -> None:
    """Add the column. Revisions are append-only, so those of an older release stay without one."""
    for statement in STATEMENTS:
        op.execute(statement)
