"""The partition of a key is the one every Kafka client chooses."""

import pytest

from stream_app.kafka.producing import partition_of


@pytest.mark.parametrize(
    ("key", "murmur2"),
    [  # from Apache Kafka's own UtilsTest
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
@pytest.mark.parametrize("partitions", [1, 3, 8, 1000])
def test_a_key_goes_to_the_partition_that_the_java_client_chooses(key: bytes, murmur2: int, partitions: int) -> None:
    assert partition_of(key, partitions) == (murmur2 & 0x7FFFFFFF) % partitions
