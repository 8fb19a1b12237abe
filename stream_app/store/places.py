"""The place of a version: what says which of two versions of a key is the newer one.

It is the position of its record in the log. A record that was sent again has a second one, its own: versions are
ordered by the original's, cuts and lateness go by the record's own (`cuts`), and rows keep both. The original's columns
are null for every other row, which costs a row nothing.
"""

POSITION_COLUMNS = ("log_epoch", "log_timestamp_ms", "log_partition", "log_offset")
ORIGIN_COLUMNS = ("origin_epoch", "origin_timestamp_ms", "origin_partition", "origin_offset")


def place(alias: str = "") -> tuple[str, ...]:
    """The columns to compare; copies of one original are ordered by their own position."""
    dot = f"{alias}." if alias else ""
    both = zip(ORIGIN_COLUMNS, POSITION_COLUMNS, strict=True)
    return (
        *(f"coalesce({dot}{origin}, {dot}{own})" for origin, own in both),
        *(f"{dot}{own}" for own in POSITION_COLUMNS),
    )


PLACE_DESC = ", ".join(f"{column} DESC" for column in place())
"""The order in which the newest version comes first."""
