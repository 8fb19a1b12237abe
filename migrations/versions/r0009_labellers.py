"""Which fitted regimes gave a label, and which transitions a replay over stored records made."""

from alembic import op

revision = "0009"
down_revision = "0008"

STATEMENTS = (
    "ALTER TABLE regimes ADD COLUMN regimes_model_id text, ADD COLUMN regimes_fingerprint text",
    "ALTER TABLE regime_transitions ADD COLUMN fingerprint text",
    """ALTER TABLE regime_transition_revisions ADD COLUMN fingerprint text,
        ADD COLUMN recomputed boolean NOT NULL DEFAULT false""",
    "UPDATE regime_transitions t SET fingerprint = m.fingerprint FROM models m WHERE m.model_id = t.model_id",
    "UPDATE regime_transition_revisions t SET fingerprint = m.fingerprint FROM models m WHERE m.model_id = t.model_id",
)


def upgrade() -> None:
    """Add the columns; an id never changes its fingerprint. Who labelled an older day is not known until a replay."""
    for statement in STATEMENTS:
        op.execute(statement)
