"""Dead letters that are sent again or discarded, the place by which their records are ordered, and rejections counted.

By partition so many records were rejected in a row, last of all, and of the recent ones and of those before them.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

ORIGIN = (
    ("origin_epoch", "integer"),
    ("origin_timestamp_ms", "bigint"),
    ("origin_partition", "integer"),
    ("origin_offset", "bigint"),
)
"""Null in every row whose record was not sent again."""
VERSIONED = ("prices_daily", "prices_history", "news_articles", "news_history")
ADD_ORIGIN = ", ".join(f"ADD COLUMN {name} {kind}" for name, kind in ORIGIN)

STATEMENTS = (
    *(f"ALTER TABLE {table} {ADD_ORIGIN}" for table in (*VERSIONED, "dead_letters")),
    """ALTER TABLE dead_letters
        ADD COLUMN position_ms bigint,
        ADD COLUMN requeued_at timestamptz,
        ADD COLUMN discarded_at timestamptz""",
    # What older releases left: but for a broker's clock that went back, a record's position has its own time.
    "UPDATE dead_letters SET position_ms = log_timestamp_ms",
    "ALTER TABLE dead_letters ALTER COLUMN position_ms SET NOT NULL",
    "CREATE INDEX dead_letters_received ON dead_letters (log_timestamp_ms)",
    """ALTER TABLE ingest_progress
        ADD COLUMN rejected_in_a_row bigint NOT NULL DEFAULT 0,
        ADD COLUMN recent_records bigint NOT NULL DEFAULT 0,
        ADD COLUMN recent_rejected bigint NOT NULL DEFAULT 0,
        ADD COLUMN earlier_records bigint NOT NULL DEFAULT 0,
        ADD COLUMN earlier_rejected bigint NOT NULL DEFAULT 0""",
    """CREATE INDEX dead_letters_sent_again ON dead_letters (topic, origin_epoch, origin_partition, origin_offset)
        WHERE origin_epoch IS NOT NULL""",
)


def upgrade() -> None:
    """Add the columns."""
    for statement in STATEMENTS:
        op.execute(statement)
