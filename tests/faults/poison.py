"""Records of every bad kind, keyless and empty ones included, and sending them in between good ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer

from schemas.topics import NEWS, PRICES
from stream_app.kafka.producing import Outgoing, partition_of
from tests.faults.actions import note
from tests.faults.text_model import BROKEN_BY_FILES
from tests.integration.bad_records import BAD_ARTICLES, BAD_PRICES, article, price
from tests.integration.pipeline import RAW_MAX_BYTES, Pipeline


@dataclass(frozen=True, slots=True)
class Poison:
    """A kind of record that cannot be used, by number: no two of a kind have the same key and value."""

    topic: str
    name: str
    reason: str
    key: Callable[[int], bytes | None]
    value: Callable[[int], bytes | None]

    def __str__(self) -> str:
        return f"{self.topic}-{self.name}"


def always(key: bytes | None) -> Callable[[int], bytes | None]:
    """The same key for every record."""
    return lambda _: key


def numbered(number: int) -> bytes:
    """A key of its own."""
    return f"BAD{number}".encode()


def unencodable(word: str) -> Callable[[int], bytes]:
    """Articles on whose text the model breaks."""
    return lambda number: article(number, headline=f"{word} of bank {number}")


def of_any_topic(topic: str, good: Callable[[int], bytes]) -> list[Poison]:
    """What is bad whatever the record is of."""
    return [
        Poison(topic, "tombstone", "null-value", numbered, lambda _: None),
        Poison(topic, "no-key", "no-key", always(None), good),
        Poison(topic, "another-key", "key-differs", always(b"ANOTHER"), good),
        Poison(topic, "no-utf-8", "not-utf8", always(b"BAD"), lambda number: b"\xff\xfe" + f"{number}".encode()),
        Poison(topic, "empty", "not-json", numbered, lambda _: b""),
        Poison(topic, "list", "invalid", always(b"BAD"), lambda number: f"[{number}]".encode()),
    ]


POISON = [
    *(Poison(bad.topic, bad.name, bad.reason, always(bad.key), bad.value) for bad in [*BAD_PRICES, *BAD_ARTICLES]),
    *of_any_topic(PRICES.name, price),
    *of_any_topic(NEWS.name, article),
    Poison(PRICES.name, "nan-in-quotes", "invalid", always(b"BAD"), lambda number: price(number, close="NaN")),
    Poison(PRICES.name, "null", "invalid", always(b"BAD"), lambda number: price(number, close=None)),
    Poison(NEWS.name, "null", "invalid", always(b"BAD"), lambda number: article(number, headline=None)),
    *(
        Poison(NEWS.name, f"text-with-{word}", "not-encodable", always(b"BAD"), unencodable(word))
        for word in BROKEN_BY_FILES
    ),
]


@dataclass(frozen=True, slots=True)
class Sent:
    """A record as it stands on its topic (named without its prefix); `kind` is None for one of the market's."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    kind: Poison | None = None


def poisoned(kind: Poison, number: int, partition: int) -> Sent:
    """The bad record of this number."""
    return Sent(kind.topic, partition, kind.key(number), kind.value(number), kind)


def of_market(record: Outgoing, prefix: str, partitions: int) -> Sent:
    """A record of the market, where its key puts it."""
    return Sent(
        record.topic.removeprefix(prefix), partition_of(record.key or b"", partitions), record.key, record.value
    )


async def send(path: Pipeline, records: Sequence[Sent]) -> None:
    """Publish the records in this order."""
    bad = sum(record.kind is not None for record in records)
    note(f"send {len(records) - bad} good and {bad} bad records")
    producer = AIOKafkaProducer(
        bootstrap_servers=path.endpoints.kafka.servers, max_request_size=RAW_MAX_BYTES, enable_idempotence=True
    )
    await producer.start()
    try:
        sending = [await producer.send(path.services.topic(x.topic), x.value, x.key, x.partition) for x in records]
        for each in sending:
            await each
    finally:
        await producer.stop()
