"""Replays of the log into an empty database, so that a stopped one is taken up where it was."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """CREATE TABLE replays (
        number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        publish boolean NOT NULL,
        ends jsonb NOT NULL,
        finished boolean NOT NULL DEFAULT false,
        started_at timestamptz NOT NULL DEFAULT now())""",
    "CREATE UNIQUE INDEX replays_unfinished ON replays (finished) WHERE NOT finished",
)


def upgrade() -> None:
    """Create the table."""
    for statement in STATEMENTS:
        op.execute(statement)
