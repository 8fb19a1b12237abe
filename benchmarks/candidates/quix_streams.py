"""Quix Streams: a StreamingDataFrame whose one step is the job, decoded by a deserializer of the job's own.

Its state store (RocksDB) is left out, as every candidate keeps the windows in memory; so is its watch for a broker that
is away, which costs two calls a record.
"""

from collections.abc import Callable

from quixstreams import Application
from quixstreams.models import BytesDeserializer

from benchmarks.candidates.job import Job, Task, read_task, tell


def run(task: Task) -> Job:
    """Run the application until all is handled."""
    job = Job(task.records)
    app = Application(
        broker_address=task.kafka_url,
        consumer_group=task.group_id,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        use_changelog_topics=False,
        broker_availability_timeout=0,
        loglevel="WARNING",
    )
    closes = app.topic(task.topic, value_deserializer=BytesDeserializer(), key_deserializer=BytesDeserializer())
    app.dataframe(closes).update(until_done(job, app.stop))
    app.run()
    return job


def until_done(job: Job, stop: Callable[[], None]) -> Callable[[bytes], None]:
    """The step: a record into the job; the application is stopped after the last."""

    def step(value: bytes) -> None:
        if job.handle(value):
            stop()

    return step


if __name__ == "__main__":
    tell(run(read_task()).outcome("quixstreams", "confluent-kafka"))
