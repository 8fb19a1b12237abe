"""A chunk's records are those of the log."""

from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.chunks import Record
from tests.integration.kafka.recording import Recorder, Running, stage

HEADERS = [("origin-position", b"1|2"), ("origin-position", b"")]
RECORDS = (
    {"key": b"a", "value": b"x" * 1_000, "headers": HEADERS},
    {"key": None, "value": b""},
    {"key": b"", "value": None},
)
IN_A_BATCH = 50


async def test_a_chunk_has_the_records_as_any_client_reads_them(kafka: KafkaAccess, topic: str) -> None:
    for compression in (None, "gzip"):
        async with AIOKafkaProducer(bootstrap_servers=kafka.servers, compression_type=compression) as producer:
            for _ in range(IN_A_BATCH):
                for record in RECORDS:
                    await producer.send(topic, **record, partition=0)
    recorder = Recorder()
    async with Running(kafka, stage(topic, recorder)):
        await recorder.until(lambda: recorder.count() == 2 * IN_A_BATCH * len(RECORDS))
    read = await _read(kafka, topic, recorder.count())
    assert [_content(record) for chunk in recorder.chunks for record in chunk.records] == read
    assert read[0]["headers"] == HEADERS


async def _read(kafka: KafkaAccess, topic: str, count: int) -> list[Mapping[str, object]]:
    async with AIOKafkaConsumer(topic, bootstrap_servers=kafka.servers, auto_offset_reset="earliest") as consumer:
        return [_content(await consumer.getone()) for _ in range(count)]


def _content(record: Record) -> Mapping[str, object]:
    return {
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": record.key,
        "value": record.value,
        "headers": list(record.headers),
    }
