"""What of Kafka's protocol and of Java's argument files is read and written by hand."""

import struct
import uuid

import pytest

from stream_app.embedded.kafka import cluster_id_in, new_cluster_id, quoted


def text(value: str | None) -> bytes:
    """A nullable string of the protocol."""
    return struct.pack(">h", -1) if value is None else struct.pack(">h", len(value)) + value.encode()


def metadata(*brokers: tuple[int, str, int, str | None]) -> bytes:
    """A Metadata reply, version 4, as far as the controller's id."""
    head = struct.pack(">iii", 1, 0, len(brokers))
    nodes = b"".join(
        struct.pack(">i", node) + text(host) + struct.pack(">i", port) + text(rack)
        for node, host, port, rack in brokers
    )
    return head + nodes + text("the-cluster") + struct.pack(">i", 1)


def test_the_cluster_id_stands_after_the_live_brokers() -> None:
    assert cluster_id_in(metadata((1, "127.0.0.1", 9092, None))) == "the-cluster"
    assert cluster_id_in(metadata((1, "a", 1, "rack"), (2, "b", 2, None))) == "the-cluster"


def test_a_cluster_without_a_live_broker_is_not_ready() -> None:
    assert cluster_id_in(metadata()) is None


def test_options_with_spaces_quotes_and_backslashes_stay_one_option() -> None:
    assert quoted(r'-Da=/my "data"\x') == r'"-Da=/my \"data\"\\x"'


@pytest.mark.parametrize("first_byte", [0x00, 0xF8, 0xFB, 0xFF])
def test_a_cluster_id_is_never_taken_for_an_option(first_byte: int) -> None:
    cluster_id = new_cluster_id(uuid.UUID(bytes=bytes([first_byte]) * 16))
    assert not cluster_id.startswith("-")
    assert len(cluster_id) == 22
