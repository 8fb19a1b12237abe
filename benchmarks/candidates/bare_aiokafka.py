"""aiokafka alone: `getmany`, in a group, with automatic commits; a fetch may be as large as this transport's."""

import asyncio

from aiokafka import AIOKafkaConsumer

from benchmarks.candidates.job import Job, Task, read_task, tell

WAIT_MS = 1_000
PARTITION_FETCH_BYTES = 4 * 1024 * 1024


async def run(task: Task) -> Job:
    """Read the topic from its start until all is handled."""
    job = Job(task.records)
    consumer = AIOKafkaConsumer(
        task.topic,
        bootstrap_servers=task.kafka_url,
        group_id=task.group_id,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
    )
    async with consumer:
        while not job.done:
            for records in (await consumer.getmany(timeout_ms=WAIT_MS)).values():
                job.handle_many([record.value for record in records])
    return job


if __name__ == "__main__":
    tell(asyncio.run(run(read_task())).outcome("aiokafka"))
