"""What became of the rows: how many were read, sent and rejected, for which reasons, and where the first ones are."""

from dataclasses import dataclass, field
from pathlib import Path

from schemas import Rejected

EXAMPLES = 3
REASONS_MAX = 50
OTHER = "other reasons"


@dataclass(slots=True)
class Reason:
    """Rejected rows that share a reason: how many, and where the first ones are as `file:line` or `file:first-last`."""

    code: str
    error: str
    rows: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """Counts of rows, growing while files are ingested. A row is sent once the broker has acknowledged it."""

    read: int = 0
    sent: int = 0
    under_way: int = 0
    """Rows given to the broker that it has not acknowledged yet: if that is where it ends, some may be there."""
    left_out: int = 0
    unread: int = 0
    """Articles sent whose language is none that a region reads."""
    seconds: float = 0.0
    reasons: dict[str, Reason] = field(default_factory=dict)

    @property
    def rejected(self) -> int:
        """The rows that are no records."""
        return sum(reason.rows for reason in self.reasons.values())

    @property
    def rate(self) -> float:
        """Rows read a second."""
        return self.read / self.seconds if self.seconds else 0.0

    def reject(self, path: Path, place: str, rejected: Rejected) -> None:
        """Count a rejected row, which stands at this line or these lines of the file."""
        name = _name(rejected)
        if name not in self.reasons and len(self.reasons) >= REASONS_MAX:
            name, rejected = OTHER, Rejected(OTHER, f"beyond the first {REASONS_MAX}")
        reason = self.reasons.setdefault(name, Reason(rejected.reason, rejected.error))
        reason.rows += 1
        if len(reason.examples) < EXAMPLES:
            reason.examples.append(f"{path.name}:{place}")

    def most_frequent(self) -> list[Reason]:
        """The reasons, the most frequent one first."""
        return sorted(self.reasons.values(), key=lambda reason: -reason.rows)


def _name(rejected: Rejected) -> str:
    """What rows that are counted together share: errors differ by column, but also by byte, by size and by date."""
    match rejected.reason:
        case "invalid":
            return rejected.error
        case "not-json":
            return rejected.error.partition(" (byte")[0]
    return rejected.reason
