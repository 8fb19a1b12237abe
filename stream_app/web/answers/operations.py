"""What is told of models, dead letters and the pipeline."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from stream_app.config import Settings
from stream_app.status.facts import CountedLetters, PipelineFacts, StageFacts, Unanswered
from stream_app.status.problems import ProblemCode, problems
from stream_app.store.standing import Unpublished


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


class ReasonList(msgspec.Struct, frozen=True, kw_only=True):
    """Counts by topic and reason, and their sum."""

    reasons: Sequence[CountedLetters]
    total: int


class PartitionLag(msgspec.Struct, frozen=True, kw_only=True):
    """How far a partition is applied, and where its log ends; null is what is not known."""

    partition: int
    applied: int | None
    end: int | None
    lag: int | None
    still_seconds: Annotated[float | None, Meta(description="Since it was moved on last; null: never, or not known")]


class StageLag(msgspec.Struct, frozen=True, kw_only=True):
    """A stage and its topic, named without its prefix."""

    stage: str
    topic: str
    workers: Annotated[int | None, Meta(description="Processes that read it; null while Kafka does not answer")]
    lag: Annotated[int | None, Meta(description="Of all partitions; null where it is not known")]
    partitions: Sequence[PartitionLag]

    @classmethod
    def of(cls, facts: StageFacts) -> "StageLag":
        """What is known of a stage."""
        partitions = [
            PartitionLag(
                partition=each.partition,
                applied=each.applied,
                end=each.end,
                lag=each.lag,
                still_seconds=each.still_seconds,
            )
            for each in facts.partitions
        ]
        return cls(stage=facts.stage, topic=facts.topic, workers=facts.members, lag=facts.lag, partitions=partitions)


class ServiceState(msgspec.Struct, frozen=True, kw_only=True):
    """Whether Kafka or Postgres answers."""

    answers: bool
    why_not: str | None

    @classmethod
    def of(cls, unanswered: Unanswered | None) -> "ServiceState":
        """What was found."""
        return cls(answers=unanswered is None, why_not=None if unanswered is None else unanswered.reason)


class ProblemTold(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong, and what to do."""

    code: ProblemCode
    sentence: str
    todo: Annotated[str | None, Meta(description="null: the sentence says it")]


class PipelineState(msgspec.Struct, frozen=True, kw_only=True):
    """How far the pipeline is and what is wrong with it, as `stream-app status` tells it.

    What only Postgres knows is null while it does not answer.
    """

    at: dt.datetime
    kafka: ServiceState
    postgres: ServiceState
    stages: Sequence[StageLag]
    dead_letters: Annotated[Sequence[CountedLetters] | None, Meta(description="Those that wait")]
    unpublished: Annotated[
        Sequence[Unpublished] | None, Meta(description="What should be on its topic by now and is not")
    ]
    problems: Sequence[ProblemTold]

    @classmethod
    def of(cls, facts: PipelineFacts, settings: Settings) -> "PipelineState":
        """What was found, judged by these settings."""
        stored = facts.stored
        return cls(
            at=facts.at,
            kafka=ServiceState.of(facts.kafka),
            postgres=ServiceState.of(facts.postgres),
            stages=[StageLag.of(each) for each in facts.stages],
            dead_letters=None if stored is None else stored.letters,
            unpublished=None if stored is None else stored.unpublished,
            problems=[
                ProblemTold(code=each.code, sentence=each.sentence, todo=each.todo)
                for each in problems(facts, settings)
            ],
        )


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the server can answer, and what is missing and why."""

    ready: bool
    missing: Mapping[str, str]


class Alive(msgspec.Struct, frozen=True, kw_only=True):
    """The server lives."""

    alive: bool
