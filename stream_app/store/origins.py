"""Who wrote a row: the live path, or a seed command that filled in history.

A live row takes the place of any other; what a seed command writes takes the place only of what one wrote before.
"""

from dataclasses import dataclass
from typing import Literal

Origin = Literal["live", "backfill"]

LIVE: Origin = "live"
BACKFILL: Origin = "backfill"
MAY_REPLACE = "(excluded.origin = 'live' OR stored.origin = 'backfill')"
"""In an upsert into a table aliased `stored`: whether the incoming row may take the stored one's place."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A stored vector, in pgvector's binary form, and who wrote it."""

    origin: Origin
    vector: bytes
