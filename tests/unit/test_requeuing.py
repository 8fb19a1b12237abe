"""How many dead letters are read and sent at a time."""

from stream_app.requeuing import BATCH_BYTES, SENT_MAX_BYTES, fitting
from stream_app.store.handled_letters import LetterName, Sized


def sized(*sizes: int) -> list[Sized]:
    return [Sized(LetterName("t", 1, 0, offset), size) for offset, size in enumerate(sizes)]


def test_a_batch_is_bounded_by_its_bytes_and_never_empty() -> None:
    quarter = BATCH_BYTES // 4
    assert len(fitting(sized(*[quarter] * 9))) == 4
    assert len(fitting(sized(1, 1, 1))) == 3
    assert len(fitting(sized(SENT_MAX_BYTES, SENT_MAX_BYTES))) == 2


def test_what_is_too_large_to_be_sent_is_passed_over_and_weighs_nothing() -> None:
    assert len(fitting(sized(100 * BATCH_BYTES, 1, 100 * BATCH_BYTES, 2))) == 4
