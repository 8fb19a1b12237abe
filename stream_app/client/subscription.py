"""Contexts as they are published: read from the topic without a consumer group, copies left out, resumed by a position.

A context may be published more than once: a worker that dies between publishing and noting so publishes again. Copies
are the same bytes, come after the first one within the records that a worker publishes at a time, and are left out here
by what makes a context: region, day, model and revision. Resumed, a subscription first reads again the last records
before its position, so that it knows a copy of what was received before.
"""

import datetime as dt
import logging
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from aiokafka import TopicPartition
from numpy.typing import NDArray

from schemas import Codec, JointRegimeContext, Rejected
from schemas.topics import CONTEXTS
from stream_app.client import positions
from stream_app.config import Settings, load_regions, load_settings
from stream_app.endpoints import find_kafka
from stream_app.errors import Fatal, UsageError
from stream_app.kafka.offsets import LogReader, reading_from
from stream_app.kafka.outage import kafka_errors
from stream_app.models import load_registry

logger = logging.getLogger(__name__)

LOOK_BACK_RECORDS = 5_000
"""Of each partition, before the position: ten times what a worker publishes of a region at a time."""
POLL_SECONDS = 1.0

Key = tuple[str, dt.date, str]
"""Region, day and model of a context."""


@dataclass(frozen=True, slots=True)
class Received:
    """A context that is new, its vector as float32 (384,) (None: the context has an `absent_reason`).

    `position` is where the subscription stands after it: keep it once the context is dealt with, and pass it to
    `subscribe` as `after` to go on from there.
    """

    context: JointRegimeContext
    vector: NDArray[np.float32] | None
    position: str


async def subscribe(
    regions: Collection[str] | None = None,
    *,
    model_id: str | None = None,
    after: str | None = None,
    from_start: bool = False,
    settings: Settings | None = None,
) -> AsyncGenerator[Received, None]:
    """The contexts of some regions (None: of all) as they are published, without end; a region's in order.

    It begins after the position `after`, else with the first context ever published (`from_start`), else with what is
    published from now on. Each revision comes once; one that is lower than what came of its day is a copy. `model_id`
    is a joint model's, else the first of the setting `joint_models`. While Kafka is away it waits. A region or a model
    that the settings' files do not have may be another deployment's: it is waited for, and a warning is logged.

    Raises UsageError for what cannot be asked, Retriable where Kafka cannot be reached at the start, and Fatal where
    the position lies outside of the topic or a record is of a newer release.
    """
    if isinstance(regions, str):
        raise UsageError(f"regions is a list of names: [{regions!r}].")
    if after is not None and from_start:
        raise UsageError("Either after or from_start, not both.")
    settings = load_settings() if settings is None else settings
    if unknown := sorted(set(regions or ()) - load_regions(settings.regions).keys()):
        logger.warning("The regions file has no region %s; it is waited for all the same.", ", ".join(unknown))
    wanted = None if regions is None else frozenset(regions)
    model_id = model_id or settings.joint_models[0]
    if model_id not in load_registry(settings.models_file):
        logger.warning("The models file has no model %s; it is waited for all the same.", model_id)
    kafka, topic = find_kafka(settings), settings.topic_prefix + CONTEXTS.name
    async with LogReader(kafka) as log:
        starts, ends = await log.start_offsets(topic), await log.end_offsets(topic)
    first = dict(enumerate(starts if from_start else ends))
    if after is not None:
        first = _resumed(positions.read(after), starts, ends)
    look_back = {TopicPartition(topic, p): max(starts[p], at - LOOK_BACK_RECORDS) for p, at in first.items()}
    reading = _Reading(topic, first)
    async with reading_from(kafka, look_back) as consumer:
        while True:
            with kafka_errors(f"reading {topic}"):
                fetched = await consumer.getmany(timeout_ms=int(POLL_SECONDS * 1000))
            for record in chain.from_iterable(fetched.values()):
                context = reading.new(record)
                if context and context.model_id == model_id and (wanted is None or context.region in wanted):
                    vector = None if context.vector is None else context.vector.numpy()
                    yield Received(context, vector, positions.written(reading.at))


def _resumed(after: Mapping[int, int], starts: Sequence[int], ends: Sequence[int]) -> dict[int, int]:
    """By partition the offset to go on at; a partition that was added since is new from its start on."""
    if (unknown := max(after)) >= len(starts):
        raise _other_topic(f"it has no partition {unknown}")
    found = dict(enumerate(starts)) | dict(after)
    for partition, offset in found.items():
        start, end = starts[partition], ends[partition]
        if not start <= offset <= end:
            raise _other_topic(f"partition {partition} goes from offset {start} to {end}, and {offset} is not there")
    return found


class _Reading:
    """What has come of each partition."""

    def __init__(self, topic: str, first: Mapping[int, int]) -> None:
        self._topic = topic
        self._codec: Codec[JointRegimeContext] = Codec(JointRegimeContext)
        self._newest: dict[Key, int] = {}
        self.at = dict(first)
        """By partition the next offset to hand on; what is read before it is known already."""

    def new(self, record: Any) -> JointRegimeContext | None:
        """The record's context, unless it was known."""
        context = self._codec.decode(record.value)
        if isinstance(context, Rejected):
            raise Fatal(
                f"{self._topic}[{record.partition}] holds at offset {record.offset} what this release cannot read "
                f"({context.error}): install the release of the workers."
            )
        key = context.region, context.as_of, context.model_id
        newest = self._newest.get(key, 0)
        self._newest[key] = max(context.revision, newest)
        if record.offset < self.at[record.partition]:
            return None
        self.at[record.partition] = record.offset + 1
        return context if context.revision > newest else None


def _other_topic(why: str) -> Fatal:
    return Fatal(
        f"The position is of another topic than this one: {why}. Subscribe with from_start, or read the days that "
        "are missing with `contexts`."
    )
