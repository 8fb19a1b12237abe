"""Consumer groups as the broker has noted them."""

import struct

from aiokafka.structs import ConsumerRecord

from tests.integration.pipeline import Pipeline

OFFSETS_TOPIC = "__consumer_offsets"
OF_A_GROUP = 2
"""The version of the keys under which that topic keeps groups; lower ones are of offsets."""


async def generation(path: Pipeline, stage: str) -> int:
    """How often the stage's group was rebalanced, as the newest record of it says."""
    group = f"{path.settings.topic_prefix}{stage}".encode()
    log = path.services.log
    starts, ends = await log.start_offsets(OFFSETS_TOPIC), await log.end_offsets(OFFSETS_TOPIC)
    found = 0
    for partition, (start, end) in enumerate(zip(starts, ends, strict=True)):
        async for batch in log.records(OFFSETS_TOPIC, partition, start, end):
            for record in batch:
                if _group(record) == group and record.value is not None:
                    found = _generation(record.value)
    assert found, f"the broker knows no group of {stage}"
    return found


def _group(record: ConsumerRecord) -> bytes | None:
    """Key: int16 version, then an int16 length and the group's name."""
    (version,) = struct.unpack_from(">h", record.key)
    return bytes(record.key[4:]) if version == OF_A_GROUP else None


def _generation(value: bytes) -> int:
    """Value: int16 version, the protocol's type as an int16 length and a name, then the generation as an int32."""
    (length,) = struct.unpack_from(">h", value, 2)
    number: int = struct.unpack_from(">i", value, 4 + length)[0]
    return number
