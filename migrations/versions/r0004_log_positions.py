"""Logs that ended, records that were lost, and topics whose keys have moved to other partitions."""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    """CREATE TABLE ended_logs (
        topic text NOT NULL,
        log_epoch integer NOT NULL,
        partition integer NOT NULL,
        next_offset bigint NOT NULL,
        ended_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (topic, log_epoch, partition))""",
    """CREATE TABLE lost_records (
        topic text NOT NULL,
        log_epoch integer NOT NULL,
        partition integer NOT NULL,
        first_offset bigint NOT NULL,
        end_offset bigint NOT NULL CHECK (end_offset > first_offset),
        noted_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (topic, log_epoch, partition, first_offset))""",
    "ALTER TABLE day_triggers ADD COLUMN superseded boolean NOT NULL DEFAULT false",
    "ALTER TABLE ingest_progress ADD COLUMN partitions integer, ADD COLUMN keys_moved boolean NOT NULL DEFAULT false",
    # Every partition has a row after the first start of a worker.
    """UPDATE ingest_progress p SET partitions = of_topic.partitions
        FROM (SELECT topic, count(*) AS partitions FROM ingest_progress GROUP BY topic) AS of_topic
        WHERE p.topic = of_topic.topic""",
)


def upgrade() -> None:
    """Create the tables, and tell what is known of the topics so far."""
    for statement in STATEMENTS:
        op.execute(statement)
