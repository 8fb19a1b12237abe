"""A batch unpacks to what the client library makes of it, or, where that is too much, to nothing."""

import pytest
from aiokafka import codec
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from stream_app.errors import Fatal
from stream_app.kafka import unpacking
from stream_app.kafka.unpacking import DECODERS, UnpacksTooLarge, bound_unpacking

ENCODERS = {
    "gzip_decode": codec.gzip_encode,
    "snappy_decode": codec.snappy_encode,
    "lz4_decode": codec.lz4_encode,
    "zstd_decode": codec.zstd_encode,
}
LIMIT = 3_000_000
CODECS = pytest.mark.parametrize("name", ENCODERS)


@pytest.fixture(autouse=True)
def _limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "LARGEST_BATCH_BYTES", LIMIT)


@CODECS
@given(unpacked=st.binary(min_size=1, max_size=500), times=st.sampled_from([1, 7, 3_000]))
def test_what_is_small_enough_unpacks_as_before(name: str, unpacked: bytes, times: int) -> None:
    unpacked *= times
    assert DECODERS[name](ENCODERS[name](unpacked)) == unpacked


@CODECS
def test_the_limit_is_exact(name: str) -> None:
    assert len(DECODERS[name](ENCODERS[name](bytes(LIMIT)))) == LIMIT
    with pytest.raises(UnpacksTooLarge):
        DECODERS[name](ENCODERS[name](bytes(LIMIT + 1)))


def test_snappy_without_framing_is_bounded_too() -> None:
    packed = codec.snappy_encode(bytes(LIMIT), xerial_compatible=False)
    assert DECODERS["snappy_decode"](packed) == bytes(LIMIT)
    with pytest.raises(UnpacksTooLarge):
        DECODERS["snappy_decode"](codec.snappy_encode(bytes(LIMIT + 1), xerial_compatible=False))


@CODECS
def test_what_is_broken_is_not_called_too_large(name: str) -> None:
    with pytest.raises(Exception) as raised:
        DECODERS[name](ENCODERS[name](b"words " * 100)[:-9])
    assert not isinstance(raised.value, Fatal)


@pytest.mark.parametrize("codec_bits", [1, 2, 3, 4])
def test_the_client_librarys_parser_raises_it(codec_bits: int) -> None:
    bound_unpacking()
    assert len(_parsed(codec_bits, LIMIT - 100)) == 1
    with pytest.raises(UnpacksTooLarge, match="A batch of records unpacks to more than"):
        _parsed(codec_bits, LIMIT)


def _parsed(codec_bits: int, size: int) -> list[object]:
    builder = DefaultRecordBatchBuilder(2, codec_bits, 0, -1, -1, 0, 2 * LIMIT)
    builder.append(0, timestamp=0, key=None, value=bytes(size), headers=[])
    return list(DefaultRecordBatch(builder.build()))
