"""Bytewax: its Kafka source and one operator that takes a batch at a time, on one worker.

A poll of a partition gives 1,000 records at most, as its documentation advises; 10,000 were not quicker. Its keyed
state is left out, as every candidate keeps the windows in memory. It stops by itself at the topic's end.
"""

from collections.abc import Iterable
from typing import Any

from bytewax import operators as op
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.run import cli_main
from bytewax.testing import TestingSink

from benchmarks.candidates.job import Job, Task, read_task, tell


def run(task: Task) -> Job:
    """Run the dataflow to the topic's end."""
    job = Job(task.records)

    def handle(batch: list[Any]) -> Iterable[None]:
        job.handle_many([message.value for message in batch])
        return ()

    flow = Dataflow("closes")
    source = KafkaSource([task.kafka_url], [task.topic], tail=False)
    handled = op.flat_map_batch("handle", op.input("read", flow, source), handle)
    op.output("nothing", handled, TestingSink([]))
    cli_main(flow)
    return job


if __name__ == "__main__":
    tell(run(read_task()).outcome("bytewax", "confluent-kafka"))
