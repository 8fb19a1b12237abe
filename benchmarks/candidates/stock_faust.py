"""Faust as it comes, one event at a time.

Values are taken raw and decoded by the job: a faust.Record, and `stream.take`, were slower.
"""

import asyncio

import faust
from faust.types import StreamT

from benchmarks.candidates.job import Job, Task, read_task, tell


async def run(task: Task) -> Job:
    """Run an app with one agent until all is handled."""
    job, done = Job(task.records), asyncio.Event()
    app = faust.App(
        task.group_id,
        broker=f"kafka://{task.kafka_url}",
        autodiscover=False,
        web_enabled=False,
        stream_wait_empty=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
    )

    async def closes(stream: StreamT[bytes]) -> None:
        async for value in stream:
            if job.handle(value):
                done.set()

    app.agent(app.topic(task.topic, value_serializer="raw"))(closes)
    async with app:
        await done.wait()
    return job


if __name__ == "__main__":
    tell(asyncio.run(run(read_task())).outcome("faust-streaming", "aiokafka"))
