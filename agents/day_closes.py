"""`regions.day-closes`: triggers are stored as waiting; the computing task does the rest."""

from agents.placing import Decoded, Placed, Records, decode
from agents.stage import Stage
from schemas import DAY_TRIGGERS, DayTrigger, Rejected
from schemas.topics import DAY_CLOSES, NEWS, PRICES
from stream_app.failpoints import failpoint
from stream_app.kafka.chunks import Chunk
from stream_app.metrics.counting import timed
from stream_app.metrics.listed import CHUNK_SECONDS
from stream_app.services import Services
from stream_app.store import dead_letters, progress, signals, trigger_queue
from stream_app.store.progress import Progress
from stream_app.store.trigger_queue import LoggedTrigger


class DayCloses(Stage):
    """Stores triggers as they come back from the log."""

    def __init__(self, services: Services) -> None:
        # A trigger is what the log makes it at its own place: its cut belongs to its time.
        super().__init__(services, DAY_CLOSES.name, Records(DAY_TRIGGERS, "region", self._check, sent_again=False))

    def drop_caches(self) -> None:
        """There are none."""

    async def apply(self, chunk: Chunk, was: Progress) -> Decoded[DayTrigger]:
        """Decode; store triggers and dead letters in one transaction, which wakes the computing tasks."""
        with timed(CHUNK_SECONDS, "decode"):
            decoded: Decoded[DayTrigger] = self.counted(chunk, decode(chunk, was, self.records))
        failpoint("after-decode")
        async with self.transaction() as conn:
            await progress.move_on(conn, was, decoded.now)
            await dead_letters.put(conn, decoded.letters)
            await trigger_queue.store(conn, [_logged(trigger) for trigger in decoded.fresh])
            await signals.notify(conn)
            failpoint("in-transaction")
        failpoint("after-commit")
        with timed(CHUNK_SECONDS, "publish"):
            await self.publish_dead_letters(decoded.new_letters)
        return decoded

    def _check(self, trigger: DayTrigger, received_ms: int) -> Rejected | None:
        """What the schema cannot know: that the trigger can be computed here, else it would stop its region.

        A day to come is no reason: `stream-app close --force` closes any that the calendar knows.
        """
        del received_ms
        inputs = {self.services.topic(name) for name in (PRICES.name, NEWS.name)}
        if set(trigger.cut) != inputs:
            return Rejected("invalid", f"the cut is not of {' and '.join(sorted(inputs))}")
        try:
            self.services.calendar(trigger.definition.calendar).news_window(trigger.as_of)
        except ValueError as error:
            return Rejected("invalid", str(error))
        return None


def _logged(trigger: Placed[DayTrigger]) -> LoggedTrigger:
    return LoggedTrigger(trigger.event, *trigger.position)
