"""What may be asked for, handled and committed, without Kafka or Faust."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from stream_app.kafka.chunks import TP, Chunk, ChunkLimits, still_owned
from stream_app.kafka.ledger import PENDING_CHUNKS, Ledger
from tests.unit.kafka.rows import Row

A, B = TP("prices.closes", 0), TP("prices.closes", 1)


def rows(start: int, end: int) -> list[Row]:
    return [Row(offset) for offset in range(start, end)]


@pytest.fixture
def ledger() -> Ledger:
    """A and B are read from 100 and 0, in chunks of ten records."""
    ledger = Ledger(ChunkLimits(records=10, bytes=1_000))
    ledger.assign([A, B])
    ledger.open({A: 100, B: 0})
    return ledger


def taken(ledger: Ledger) -> list[Chunk]:
    chunks = []
    while (chunk := ledger.take()) is not None:
        chunks.append(chunk)
    return chunks


def finish(ledger: Ledger, chunk: Chunk) -> None:
    assert ledger.begin(chunk)
    ledger.handled(chunk)
    assert ledger.ack(chunk)


def test_only_two_chunks_a_partition_are_given_out_and_the_surplus_waits_in_order(ledger: Ledger) -> None:
    ledger.register(A, rows(100, 150))
    ledger.register(B, rows(0, 10))
    first = taken(ledger)
    assert sorted((chunk.tp, chunk.first_offset) for chunk in first) == [(A, 100), (A, 110), (B, 0)]
    assert not ledger.can_take()
    finish(ledger, next(chunk for chunk in first if chunk.first_offset == 100))
    assert [chunk.first_offset for chunk in taken(ledger)] == [120]


def test_a_partition_with_two_unacked_chunks_is_not_asked_for(ledger: Ledger) -> None:
    assert ledger.ready() == {A, B}
    ledger.register(A, rows(100, 120))
    assert ledger.ready() == {B}
    finish(ledger, taken(ledger)[0])
    assert ledger.ready() == {A, B}


def test_a_partition_is_asked_for_only_once_its_start_is_known() -> None:
    ledger = Ledger(ChunkLimits(10, 1_000))
    ledger.assign([A, B])
    assert not ledger.ready()
    assert ledger.assigned == {A, B}
    ledger.open({A: 5})
    assert ledger.ready() == {A}
    ledger.register(B, rows(0, 5))
    assert ledger.take() is None


def test_commits_stop_before_a_chunk_whose_predecessor_is_not_acked(ledger: Ledger) -> None:
    ledger.register(A, rows(100, 120))
    first, second = taken(ledger)
    finish(ledger, second)
    assert ledger.committable() == {}
    finish(ledger, first)
    assert ledger.committable() == {A: 120}


def test_the_lag_is_what_lies_between_what_is_acked_and_the_logs_end(ledger: Ledger) -> None:
    assert ledger.lags() == {}
    ledger.ended_at({A: 125, B: 3, TP("prices.closes", 7): 9})
    assert ledger.lags() == {A: 25, B: 3}
    ledger.register(A, rows(100, 120))
    first, second = taken(ledger)
    finish(ledger, second)
    assert ledger.lags()[A] == 25, "its predecessor is not acked"
    finish(ledger, first)
    ledger.idled(B, 3)
    assert ledger.lags() == {A: 5, B: 0}
    ledger.revoke()
    assert ledger.lags() == {}


def test_what_is_acked_is_kept_until_its_commit_has_succeeded(ledger: Ledger) -> None:
    ledger.register(A, rows(100, 110))
    finish(ledger, taken(ledger)[0])
    assert ledger.committable() == {A: 110}
    assert ledger.committable() == {A: 110}
    ledger.committed({A: 110})
    assert ledger.committable() == {}


def test_a_chunk_that_was_not_handled_cannot_be_acked(ledger: Ledger) -> None:
    ledger.register(A, rows(100, 110))
    (chunk,) = taken(ledger)
    assert not ledger.ack(chunk)
    assert ledger.begin(chunk)
    assert not ledger.ack(chunk)
    assert ledger.committable() == {}


def test_while_partitions_go_nothing_begins_and_what_has_begun_is_still_acked(ledger: Ledger) -> None:
    ledger.register(A, rows(100, 130))
    first, second = taken(ledger)
    assert ledger.begin(first)
    ledger.close()
    assert ledger.in_flight()
    assert not ledger.begin(second)
    assert (ledger.take(), ledger.ready()) == (None, frozenset())
    assert still_owned(first)
    ledger.handled(first)
    assert ledger.ack(first)
    assert not ledger.in_flight()
    assert ledger.committable() == {A: 110}


def test_after_a_revocation_a_late_ack_changes_nothing(ledger: Ledger) -> None:
    ledger.register(A, rows(100, 110))
    (chunk,) = taken(ledger)
    assert ledger.begin(chunk)
    ledger.close()
    ledger.revoke()
    assert not still_owned(chunk)
    ledger.assign([A])
    ledger.open({A: 100})
    ledger.handled(chunk)
    assert not still_owned(chunk)
    assert not ledger.ack(chunk)
    assert not ledger.begin(chunk)
    assert ledger.committable() == {}


def test_an_end_without_records_is_told_once_and_only_of_a_partition_at_rest(ledger: Ledger) -> None:
    assert not ledger.is_news(A, 100)
    assert ledger.is_news(A, 103)
    ledger.idled(A, 103)
    assert not ledger.is_news(A, 103)
    ledger.register(A, rows(103, 110))
    assert A not in ledger.at_rest()
    assert not ledger.is_news(A, 120)
    finish(ledger, taken(ledger)[0])
    assert A in ledger.at_rest()
    assert not ledger.is_news(A, 110)
    assert ledger.is_news(A, 111)


class AnyOrder(RuleBasedStateMachine):
    """Whatever happens in whatever order, the laws hold."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(ChunkLimits(records=3, bytes=1_000))
        self.handled: set[tuple[TP, int]] = set()
        self.given: list[Chunk] = []
        self.begun: list[Chunk] = []
        self.assign()

    @rule()
    def assign(self) -> None:
        self.ledger.close()
        self.ledger.revoke()
        self.ledger.assign([A, B])
        self.next = {A: 0, B: 0}
        self.ledger.open(self.next)
        self.handled.clear()

    @rule(tp=st.sampled_from([A, B]), count=st.integers(1, 12))
    def fetch(self, tp: TP, count: int) -> None:
        if tp in self.ledger.ready():
            self.ledger.register(tp, rows(self.next[tp], self.next[tp] + count))
            self.next[tp] += count

    @rule()
    def take(self) -> None:
        if (chunk := self.ledger.take()) is not None:
            self.given.append(chunk)

    @precondition(lambda self: self.given)
    @rule(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        chunk = self.given.pop(data.draw(st.integers(0, len(self.given) - 1)))
        if self.ledger.begin(chunk):
            self.begun.append(chunk)

    @precondition(lambda self: self.begun)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        chunk = self.begun.pop(data.draw(st.integers(0, len(self.begun) - 1)))
        current = still_owned(chunk)
        self.ledger.handled(chunk)
        assert self.ledger.ack(chunk) == current
        if current:
            self.handled.update((chunk.tp, record.offset) for record in chunk.records)

    @rule()
    def commit(self) -> None:
        self.ledger.committed(self.ledger.committable())

    @invariant()
    def nothing_unhandled_is_committable(self) -> None:
        for tp, until in self.ledger.committable().items():
            assert all((tp, offset) in self.handled for offset in range(until))

    @invariant()
    def at_most_two_chunks_a_partition_are_out(self) -> None:
        for tp in (A, B):
            out = [chunk for chunk in self.given + self.begun if chunk.tp == tp and still_owned(chunk)]
            assert len(out) <= PENDING_CHUNKS


AnyOrder.TestCase.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
TestAnyOrder = AnyOrder.TestCase
