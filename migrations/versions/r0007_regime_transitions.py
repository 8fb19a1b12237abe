"""Every revision of a transition from one regime's label to another, to be published, also one that takes it back."""

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS = (
    """CREATE TABLE regime_transition_revisions (
        region text COLLATE "C" NOT NULL,
        as_of_date date NOT NULL,
        model_id text NOT NULL,
        revision integer NOT NULL CHECK (revision >= 1),
        trigger_number integer NOT NULL,
        event_id text NOT NULL,
        known_at timestamptz NOT NULL,
        from_label text NOT NULL,
        to_label text NOT NULL,
        confidence double precision NOT NULL,
        withdrawn boolean NOT NULL,
        payload bytea NOT NULL,
        published boolean NOT NULL DEFAULT false,
        sequence bigint GENERATED ALWAYS AS IDENTITY,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (region, as_of_date, model_id, revision))""",
    """CREATE INDEX regime_transition_revisions_unpublished ON regime_transition_revisions (region, sequence)
        WHERE NOT published""",
    "ALTER TABLE regime_transitions ADD COLUMN revision integer, ADD COLUMN confidence double precision",
)


def upgrade() -> None:
    """Add the table and the columns; no release before this one has made a transition."""
    for statement in STATEMENTS:
        op.execute(statement)
