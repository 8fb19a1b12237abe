"""stream_app.kafka: Faust with one event a chunk, the settings as they come."""

import asyncio
from collections.abc import Collection, Mapping

from benchmarks.candidates.job import Job, Task, read_task, tell
from stream_app.config import load_settings
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.chunks import TP, Chunk, ChunkLimits
from stream_app.kafka.stage import run_stage
from stream_app.kafka.stages import AssignedLog, Stage


class Closes:
    """A stage that keeps windows in memory and nothing else."""

    def __init__(self, job: Job, done: asyncio.Event) -> None:
        self._job = job
        self._done = done

    async def start_offsets(self, logs: Mapping[TP, AssignedLog]) -> Mapping[TP, int]:
        """At the start of each log."""
        return {tp: log.log_start for tp, log in logs.items()}

    async def handle(self, chunk: Chunk) -> None:
        """Take the chunk's records."""
        if self._job.handle_many([record.value for record in chunk.records if record.value is not None]):
            self._done.set()

    async def revoked(self, tps: Collection[TP]) -> None:
        """Nothing is kept by partition."""

    async def idle(self, tp: TP, position: int) -> None:
        """Nothing is kept of positions."""


async def run(task: Task) -> Job:
    """Run the stage until all is handled."""
    settings, job, done = load_settings(), Job(task.records), asyncio.Event()
    limits = ChunkLimits(settings.chunk_records, settings.chunk_bytes)
    stage = Stage("closes", task.topic, task.group_id, limits, Closes(job, done))
    await run_stage(stage, KafkaAccess(task.kafka_url), settings, stop=done)
    return job


if __name__ == "__main__":
    tell(asyncio.run(run(read_task())).outcome("stream-app", "faust-streaming", "aiokafka"))
