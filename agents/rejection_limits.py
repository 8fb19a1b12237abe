"""How many records may be rejected before a stage stops, so that a feed gone wrong does not end in the dead letters.

A stage counts, by partition, how many records it rejected in a row at the end of what it has read, and how many of the
last ones, which are added up over all partitions that its worker reads. A run is of one partition: one to which no good
record ever comes would else keep the others near the limit. The counts are part of the partition's progress: a worker
that is started again goes on counting where it was, and so does another one that gets the partition. A record that was
sent again and is rejected again is not counted, for its feed sent it but once. What comes before the first record that
passes a limit is stored, and then the stage ends. Started again, it ends at once, without another dead letter, for as
long as that record is followed by others like it, however often a supervisor tries. Once the newest records of the
partition are good, the feed is mended, and what is bad before them goes to the dead letters.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from stream_app.config import Settings
from stream_app.store.progress import Progress


@dataclass(frozen=True, slots=True)
class RejectionLimits:
    """The limits. `ratio` 1 and `in_a_row` 0 are none.

    The ratio is of the last `window_records` that a worker read, half of them at least, and is not looked at before
    `minimum_records`.
    """

    ratio: float
    in_a_row: int
    window_records: int
    minimum_records: int

    @classmethod
    def of(cls, settings: Settings) -> "RejectionLimits":
        """As the settings say."""
        return cls(
            settings.max_rejected_ratio,
            settings.max_rejected_in_a_row,
            settings.rejected_window_records,
            settings.rejected_minimum_records,
        )

    def passed_by(self, in_a_row: int, rejected: int, records: int) -> str | None:
        """Which limit these counts pass, and by what, if one."""
        if self.in_a_row and in_a_row > self.in_a_row:
            return f"{in_a_row:,} records in a row were rejected, more than {self.in_a_row:,}"
        if records >= self.minimum_records and rejected > self.ratio * records:
            return f"{rejected:,} of the last {records:,} records were rejected, more than {self.ratio:.0%}"
        return None


@dataclass(frozen=True, slots=True)
class Passed:
    """The first record that passes a limit, and how."""

    offset: int
    how: str


class Tally:
    """The counts of one partition, as its progress has them, while records are added.

    The last records are two halves: one that grows, and the one before it, which is full.
    """

    def __init__(self, was: Progress, half_records: int) -> None:
        self.in_a_row = was.rejected_in_a_row
        self.recent, self.recent_rejected = was.recent_records, was.recent_rejected
        self.earlier, self.earlier_rejected = was.earlier_records, was.earlier_rejected
        self._half_records = half_records

    @property
    def records(self) -> int:
        """How many the last records are."""
        return self.recent + self.earlier

    @property
    def rejected(self) -> int:
        """How many of them were rejected."""
        return self.recent_rejected + self.earlier_rejected

    def add(self, records: int, rejected: bool) -> None:
        """So many records came, all of them rejected or none."""
        self.in_a_row = self.in_a_row + records if rejected else 0
        while records:
            if self.recent >= self._half_records:
                self.earlier, self.earlier_rejected = self.recent, self.recent_rejected
                self.recent = self.recent_rejected = 0
            some = min(records, self._half_records - self.recent)
            self.recent += some
            self.recent_rejected += some if rejected else 0
            records -= some

    def of(self, now: Progress) -> Progress:
        """The progress with these counts."""
        return replace(
            now,
            rejected_in_a_row=self.in_a_row,
            recent_records=self.recent,
            recent_rejected=self.recent_rejected,
            earlier_records=self.earlier,
            earlier_rejected=self.earlier_rejected,
        )


class Counting:
    """Counts a partition's new records, beside what was counted of a worker's other partitions."""

    def __init__(self, limits: RejectionLimits, was: Progress, others: Iterable[Progress]) -> None:
        rest = list(others)
        self._limits = limits
        self._others_records = sum(each.recent_records + each.earlier_records for each in rest)
        self._others_rejected = sum(each.recent_rejected + each.earlier_rejected for each in rest)
        self.tally = Tally(was, max(1, limits.window_records // (2 * (len(rest) + 1))))

    def add(self, offsets: Iterable[int], rejected: set[int]) -> Passed | None:
        """Count the records at these offsets; the first one that passes a limit, if one does. It is counted, too."""
        first, good = None, 0
        for offset in offsets:
            if offset not in rejected:
                good += 1
                continue
            if good:
                self.tally.add(good, rejected=False)
            self.tally.add(1, rejected=True)
            good = 0
            if first is None and (how := self._passed()) is not None:
                first = Passed(offset, how)
        if good:
            self.tally.add(good, rejected=False)
        return first

    def _passed(self) -> str | None:
        return self._limits.passed_by(
            self.tally.in_a_row,
            self._others_rejected + self.tally.rejected,
            self._others_records + self.tally.records,
        )
