"""A small batch that unpacks to gigabytes ends the stage with a sentence, after all that came before it."""

import pytest
from aiokafka import AIOKafkaProducer

from stream_app.config import load_settings
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.offsets import LogReader
from stream_app.kafka.stage import run_stage
from stream_app.kafka.unpacking import LARGEST_BATCH_BYTES, UnpacksTooLarge
from tests.integration.kafka.recording import Recorder, committed, publish, stage

BEFORE = {0: 45, 1: 120, 2: 10, 3: 1}


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
async def test_what_came_before_it_is_handled_and_then_it_is_named(
    kafka: KafkaAccess, topic: str, compression: str
) -> None:
    await publish(kafka, topic, BEFORE)
    async with AIOKafkaProducer(
        bootstrap_servers=kafka.servers, compression_type=compression, max_request_size=2 * LARGEST_BATCH_BYTES
    ) as producer:
        await producer.send_and_wait(topic, bytes(LARGEST_BATCH_BYTES), partition=0)
    await publish(kafka, topic, {0: 5})
    recorder = Recorder()
    with pytest.raises(UnpacksTooLarge, match=r"^The batch of records at offset 45 of .*prices\.closes\[0\] unpacks"):
        await run_stage(stage(topic, recorder), kafka, load_settings())
    assert recorder.offsets()[0] == list(range(45))
    assert all(offsets == list(range(len(offsets))) for offsets in recorder.offsets().values()), "others end anywhere"
    assert (await committed(kafka, topic))[0] == 45
    async with LogReader(kafka) as reader:
        with pytest.raises(UnpacksTooLarge, match=r"at offset 40 of .*prices\.closes\[0\], or after it, unpacks"):
            await anext(reader.records(topic, 0, 40, 46))
