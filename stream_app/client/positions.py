"""Where a subscription stands, as a text that its user keeps: by partition the offset of the next record."""

import re
from collections.abc import Mapping

from stream_app.errors import UsageError

MOST_PARTITIONS = 10_000
_FORM = re.compile(r"1:([0-9]{1,9}=[0-9]{1,18}(?:,[0-9]{1,9}=[0-9]{1,18})*)")
"""Begins with the form's version."""


def written(offsets: Mapping[int, int]) -> str:
    """The text; the same offsets give the same one."""
    return "1:" + ",".join(f"{partition}={offset}" for partition, offset in sorted(offsets.items()))


def read(position: str) -> dict[int, int]:
    """The offsets by partition. Raises UsageError for a text that `written` has not made."""
    form = _FORM.fullmatch(position)
    pairs = [pair.split("=") for pair in form[1].split(",")] if form else []
    offsets = {int(partition): int(offset) for partition, offset in pairs}
    if not offsets or len(offsets) > MOST_PARTITIONS or written(offsets) != position:
        raise UsageError(f"{position[:80]!r} is not a subscription's position: pass on what Received.position gave.")
    return offsets
