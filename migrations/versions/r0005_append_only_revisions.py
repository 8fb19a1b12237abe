"""Revisions are append-only: what was known at an instant must not change afterwards."""

from alembic import op

revision = "0005"
down_revision = "0004"

NEVER_CHANGED = (
    "region",
    "as_of_date",
    "model_id",
    "revision",
    "trigger_number",
    "event_id",
    "known_at",
    "closed_at",
    "inputs_hash",
    "absent_reason",
    "stale",
    "vector",
    "payload",
    "sequence",
    "created_at",
)
"""Every column but `published`, which says what Kafka has and nothing of what was known."""

# A trigger a statement that names its columns costs what is allowed nothing. Emptying the table whole is not refused:
# the log fills it again, while a row that was changed or is missing would not be noticed.
STATEMENTS = (
    """CREATE FUNCTION refuse_to_change_revisions() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'joint_embedding_revisions is append-only: % is refused', TG_OP
                USING ERRCODE = 'restrict_violation';
        END $$""",
    f"""CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OF {", ".join(NEVER_CHANGED)} ON joint_embedding_revisions
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_revisions()""",
)


def upgrade() -> None:
    """Create the trigger."""
    for statement in STATEMENTS:
        op.execute(statement)
