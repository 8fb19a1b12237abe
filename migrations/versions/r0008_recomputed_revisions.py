"""Which revisions a replay over stored records made: they were not known when their triggers were."""

from alembic import op

revision = "0008"
down_revision = "0007"

STATEMENTS = (
    "ALTER TABLE joint_embedding_revisions ADD COLUMN recomputed boolean NOT NULL DEFAULT false",
    "DROP TRIGGER append_only ON joint_embedding_revisions",
    """CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OF region, as_of_date, model_id, revision, trigger_number,
        event_id, known_at, closed_at, inputs_hash, absent_reason, stale, vector, payload, sequence, created_at,
        recomputed ON joint_embedding_revisions
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_revisions()""",
)


def upgrade() -> None:
    """Add the column; of older revisions those that follow another of the same trigger are known as such."""
    for statement in STATEMENTS:
        op.execute(statement)
