"""What the client library has fetched and parsed, handed on as it was parsed.

aiokafka copies each parsed record into a ConsumerRecord, which took a quarter of the CPU time of reading closes into
windows in memory. A parsed record has all that a chunk's record needs.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import FetchError, FetchResult

from stream_app.kafka.chunks import TP, Record
from stream_app.kafka.unpacking import UnpacksTooLarge


class FetchedRecords(OrderedDict[TopicPartition, FetchResult | FetchError]):
    """The fetcher's buffer, by partition; what is put in gives its records uncopied.

    A partition's records end before a batch that unpacks to too much, which `too_large` then names. An error raised
    there would lose what the same call has taken out of other partitions.
    """

    def __init__(self) -> None:
        super().__init__()
        self.too_large: dict[TP, int] = {}
        """By partition the offset at which such a batch was met."""

    def __setitem__(self, tp: TopicPartition, fetched: FetchResult | FetchError) -> None:
        if isinstance(fetched, FetchResult):
            records = fetched._partition_records
            records._consumer_record = _as_parsed
            records._records_iterator = self._until_too_large(TP(*tp), records, records._records_iterator)
        super().__setitem__(tp, fetched)

    def _until_too_large(self, tp: TP, records: Any, iterator: Iterator[Record]) -> Iterator[Record]:
        try:
            yield from iterator
        except UnpacksTooLarge:
            self.too_large[tp] = records.next_fetch_offset


def _as_parsed(_tp: TopicPartition, record: Any) -> Record:
    parsed: Record = record
    return parsed
