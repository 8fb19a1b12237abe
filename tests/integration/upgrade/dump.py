"""What a release leaves behind, kept as files: its database, its log, and what its `show` printed.

A record's bytes are written as text by Latin-1, which gives every byte back and leaves JSON readable.
"""

import lzma
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

RELEASES = Path(__file__).parent
BYTES = "latin-1"


class LogRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A record of a topic (named without its prefix); `timestamp` in milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: str | None
    value: str | None
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, topic: str, record: Any) -> "LogRecord":
        """A record as the broker's client gives it."""
        return cls(
            topic=topic,
            partition=record.partition,
            offset=record.offset,
            timestamp=record.timestamp,
            key=None if record.key is None else record.key.decode(BYTES),
            value=None if record.value is None else record.value.decode(BYTES),
            headers=tuple((name, value.decode(BYTES)) for name, value in record.headers),
        )

    @property
    def key_bytes(self) -> bytes | None:
        """The key as it was on the topic."""
        return None if self.key is None else self.key.encode(BYTES)

    @property
    def value_bytes(self) -> bytes | None:
        """The value as it was on the topic."""
        return None if self.value is None else self.value.encode(BYTES)


class Broker(msgspec.Struct, frozen=True):
    """What a broker held beside the records: the topics as the release made them, and what its groups had committed.

    `committed` names groups (the stages) and topics without their prefix.
    """

    partitions: int
    configs: dict[str, dict[str, str]]
    committed: dict[str, tuple[str, dict[int, int]]]


@dataclass(frozen=True, slots=True)
class Dump:
    """The folder of one release."""

    release: str

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return RELEASES / self.release

    @property
    def topic_prefix(self) -> str:
        """Part of what the release wrote: the cuts of its triggers name their topics with it."""
        return f"release-{self.release}."

    @property
    def regions(self) -> Path:
        """The regions file that it ran with."""
        return self.folder / "regions.toml"

    @property
    def shown(self) -> Path:
        """What its `show` printed, last of all."""
        return self.folder / "contexts.csv"

    def write_log(self, records: Iterable[LogRecord], broker: Broker) -> None:
        """Keep the log."""
        (self.folder / "log.jsonl.xz").write_bytes(lzma.compress(msgspec.json.Encoder().encode_lines(list(records))))
        (self.folder / "broker.json").write_bytes(msgspec.json.format(msgspec.json.encode(broker)) + b"\n")

    def write_database(self, statements: bytes) -> None:
        """Keep the database, as SQL."""
        (self.folder / "database.sql.xz").write_bytes(lzma.compress(statements))

    def log(self) -> list[LogRecord]:
        """The records, each partition's in the order of their offsets."""
        lines = lzma.decompress((self.folder / "log.jsonl.xz").read_bytes())
        return msgspec.json.Decoder(LogRecord).decode_lines(lines)

    def broker(self) -> Broker:
        """The topics and the committed offsets."""
        return msgspec.json.decode((self.folder / "broker.json").read_bytes(), type=Broker)

    def database(self) -> bytes:
        """The database, as SQL for psql."""
        return lzma.decompress((self.folder / "database.sql.xz").read_bytes())
