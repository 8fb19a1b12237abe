"""A bound on what the client library unpacks: a batch of 32 kB can hold a gigabyte of zeros.

aiokafka gives its codecs no limit, and its parsers, compiled or not, have these functions as globals of their modules.
"""

import gzip
import io
import struct
from collections.abc import Callable, Iterator
from importlib import import_module

import cramjam
from aiokafka import codec

from stream_app.errors import Fatal

LARGEST_BATCH_BYTES = 64 * 2**20
PARSERS = ("_crecords.default_records", "_crecords.legacy_records", "default_records", "legacy_records")
FIRST_GUESS = 16
"""How many times its packed size a batch is taken to have; one that has more is tried with as many times as much."""
SMALLEST_BUFFER_BYTES = 64 * 2**10
XERIAL_HEADER_BYTES = 16


class UnpacksTooLarge(Fatal):
    """A batch of records that would take too much memory."""

    def __init__(self, where: str = "A batch of records") -> None:
        super().__init__(
            f"{where} unpacks to more than {LARGEST_BATCH_BYTES // 2**20} MiB. Delete the log's records up to and with "
            "it (kafka-delete-records.sh), then `stream-app log adopt` passes over them."
        )


def bound_unpacking() -> None:
    """Make aiokafka's parsers raise UnpacksTooLarge instead of unpacking more than LARGEST_BATCH_BYTES at once."""
    for parser in PARSERS:
        module = import_module(f"aiokafka.record.{parser}")
        for name, decode in DECODERS.items():
            if hasattr(module, name):
                setattr(module, name, decode)


def _gzip_decode(packed: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
        unpacked = file.read(LARGEST_BATCH_BYTES + 1)
    _check(len(unpacked))
    return unpacked


def _snappy_decode(packed: bytes) -> bytes:
    _check(sum(map(cramjam.snappy.decompress_raw_len, _snappy_blocks(packed))))
    unpacked: bytes = codec.snappy_decode(packed)
    return unpacked


def _snappy_blocks(packed: bytes) -> Iterator[bytes]:
    """The blocks that each begin with their unpacked size: one, or those of xerial's framing."""
    if not codec._detect_xerial_stream(packed):
        yield packed
        return
    at = XERIAL_HEADER_BYTES
    while at < len(packed):
        (size,) = struct.unpack_from("!i", packed, at)
        yield packed[at + 4 : at + 4 + size]
        at += 4 + size


def _by_buffer(unpack_into: Callable[[bytes, bytearray], int]) -> Callable[[bytes], bytes]:
    """A codec that only says that its buffer is too small is given larger ones."""

    def decode(packed: bytes) -> bytes:
        size = max(SMALLEST_BUFFER_BYTES, len(packed))
        while True:
            size = min(size * FIRST_GUESS, LARGEST_BATCH_BYTES)
            buffer = bytearray(size)
            try:
                length = unpack_into(packed, buffer)
            except cramjam.DecompressionError as error:
                if TOO_SMALL not in str(error):
                    raise
                if size == LARGEST_BATCH_BYTES:
                    raise UnpacksTooLarge from None
            else:
                return bytes(memoryview(buffer)[:length])

    return decode


def _check(size: int) -> None:
    if size > LARGEST_BATCH_BYTES:
        raise UnpacksTooLarge


TOO_SMALL = "failed to write whole buffer"
DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip_decode": _gzip_decode,
    "snappy_decode": _snappy_decode,
    "lz4_decode": _by_buffer(cramjam.lz4.decompress_into),
    "zstd_decode": _by_buffer(cramjam.zstd.decompress_into),
}
