"""What is told of models, dead letters and the pipeline."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class ModelTold(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the packaged file, of models_file, or of this database alone (`algorithm` is null then)."""

    model_id: str
    kind: str
    algorithm: str | None
    inputs: Sequence[str]
    dim: int
    in_use: Annotated[bool, Meta(description="Whether workers with these settings compute it")]
    fingerprint: Annotated[str | None, Meta(description="In this database; null: it has no vectors of it")]


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    """The models, in the order of the files."""

    models: Sequence[ModelTold]


class BytesTold(msgspec.Struct, frozen=True, kw_only=True):
    """The beginning of a value: as text where it is UTF-8, else in base64."""

    text: str | None
    base64: str | None
    whole: bool


class LetterTold(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter. Its name is its record's place: topic, log epoch, partition and offset."""

    name: str
    topic: str
    log_epoch: int
    partition: int
    offset: int
    received: dt.datetime
    reason: str
    error: Annotated[str, Meta(description="At most 500 characters")]
    state: Literal["waits", "requeued", "discarded"]
    value_bytes: int | None
    value: Annotated[BytesTold | None, Meta(description="At most 256 bytes; `dead-letters show` prints it whole")]


class LetterPage(msgspec.Struct, frozen=True, kw_only=True):
    """Dead letters, the newest first. `next_cursor` is null on the last page."""

    letters: Sequence[LetterTold]
    next_cursor: str | None


class ReasonTold(msgspec.Struct, frozen=True, kw_only=True):
    """How many letters there are of a topic and a reason."""

    topic: str
    reason: str
    letters: int


class ReasonList(msgspec.Struct, frozen=True, kw_only=True):
    """Counts by topic and reason, and their sum."""

    reasons: Sequence[ReasonTold]
    total: int


class PartitionLag(msgspec.Struct, frozen=True, kw_only=True):
    """How far a partition is applied; `end` and `lag` are null where they are not known."""

    partition: int
    applied: int
    end: int | None
    lag: int | None
    idle_seconds: Annotated[float | None, Meta(description="Since it was moved on last; null: never")]


class StageLag(msgspec.Struct, frozen=True, kw_only=True):
    """A stage and its topic."""

    stage: str
    topic: str
    lag: Annotated[int | None, Meta(description="Of all partitions; null while Kafka does not answer")]
    partitions: Sequence[PartitionLag]


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """Whether Kafka answers."""

    answers: bool
    why_not: str | None


class CloseTold(msgspec.Struct, frozen=True, kw_only=True):
    """The trigger of a region that was known last."""

    region: str
    as_of: dt.date
    number: int
    closed_at: dt.datetime
    known_at: dt.datetime
    computed: bool


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """What is not done yet."""

    triggers: Annotated[int, Meta(description="Closes and amendments that are to be computed")]
    contexts: Annotated[int, Meta(description="Contexts that are to be published")]
    marks: Annotated[int, Meta(description="Places at which late records have touched a day that is to be amended")]


class PipelineState(msgspec.Struct, frozen=True, kw_only=True):
    """How far the pipeline is and what is wrong with it, in sentences."""

    kafka: Broker
    stages: Sequence[StageLag]
    backlog: Backlog
    last_closes: Sequence[CloseTold]
    dead_letters: Annotated[Sequence[ReasonTold], Meta(description="Those that wait")]
    problems: Sequence[str]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the server can answer, and what is missing and why."""

    ready: bool
    missing: Mapping[str, str]


class Alive(msgspec.Struct, frozen=True, kw_only=True):
    """The server lives."""

    alive: bool
