"""What is wrong, judged from the facts: a sentence each, and what to do. Pure."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from schemas.topics import TOPICS
from stream_app.config import Settings
from stream_app.endpoints import command
from stream_app.positions import ADOPT
from stream_app.positions.findings import named, what_to_do
from stream_app.status.facts import (
    STILL_SECONDS,
    PipelineFacts,
    RegionFacts,
    StageFacts,
    StoredFacts,
    Unanswered,
    Waiting,
    WaitsFor,
)
from stream_app.status.telling import days_told, definition_told, instant_told, span_told, waiting_told
from stream_app.store.models import changed

OVERDUE = dt.timedelta(minutes=10)
"""What a worker does within seconds is overdue after so long."""
NAMED_REASONS = 5


class ProblemCode(StrEnum):
    """Which problem; machines go by it."""

    KAFKA = "kafka"
    POSTGRES = "postgres"
    TOPICS = "topics-missing"
    LOG = "another-log"
    NO_WORKER = "no-worker"
    STILL = "stage-stands-still"
    OVERDUE = "day-overdue"
    LETTERS = "dead-letters"
    UNPUBLISHED = "unpublished"
    DEFINITION = "other-definition"
    MODEL_CHANGED = "model-changed"
    MODEL_LACKING = "days-without-model"
    REPLAY = "replay-unfinished"
    CALENDAR = "calendar-ends"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and what to do (None: the sentence says it)."""

    code: ProblemCode
    sentence: str
    todo: str | None


def problems(facts: PipelineFacts, settings: Settings) -> list[Problem]:
    """Everything that is wrong, what stops the most first."""
    found = [
        *_unanswered(ProblemCode.KAFKA, facts.kafka, "kafka_url", settings),
        *_unanswered(ProblemCode.POSTGRES, facts.postgres, "database_url", settings),
        *_of_topics(facts, settings),
        *_of_stages(facts, settings),
    ]
    if facts.stored is not None:
        found += _of_days(facts, facts.stored)
        found += _of_stored(facts.stored, settings)
    return found


def _unanswered(
    code: ProblemCode, unanswered: Unanswered | None, setting: str, settings: Settings
) -> Iterator[Problem]:
    if unanswered is not None:
        up = command(settings, "up")
        todo = f"Start it: `{up}` starts the embedded one; or let {setting} name another." if unanswered.away else None
        yield Problem(code, unanswered.reason, todo)


def _of_topics(facts: PipelineFacts, settings: Settings) -> Iterator[Problem]:
    if missing := facts.missing_topics:
        lacks = "has no topic of stream-app" if len(missing) == len(TOPICS) else f"lacks {', '.join(missing)}"
        prefix = f"named {settings.topic_prefix}…" if settings.topic_prefix else "without a prefix"
        yield Problem(
            ProblemCode.TOPICS,
            f"The broker {lacks}, {prefix}.",
            f"If topic_prefix is right, `{command(settings, 'worker')}` makes them.",
        )
    if facts.logs:
        yield Problem(ProblemCode.LOG, named(facts.logs), what_to_do(command(settings, ADOPT)))


def _of_stages(facts: PipelineFacts, settings: Settings) -> Iterator[Problem]:
    unread = [stage for stage in facts.stages if stage.members == 0]
    if unread:
        lags = [stage.lag for stage in unread if stage.lag is not None]
        waiting = f": {_records(sum(lags))}" if len(lags) == len(unread) else ""
        names = " and ".join(stage.stage for stage in unread)
        of_stages = "" if len(unread) == len(facts.stages) else f" the {names} stage{'s' if len(unread) > 1 else ''}"
        closing = "; no day closes by itself" if any(stage.stage == "contexts" for stage in unread) else ""
        yield Problem(
            ProblemCode.NO_WORKER,
            f"No worker runs{of_stages}{waiting}{closing}.",
            f"Start one: `{command(settings, 'worker')}`.",
        )
    for stage in facts.stages:
        if stage.members:
            yield from _still(stage, facts.at)


def _records(waiting: int) -> str:
    return "1 record waits" if waiting == 1 else f"{waiting:,} records wait"


def _still(stage: StageFacts, at: dt.datetime) -> Iterator[Problem]:
    still = {
        each.partition: each.oldest_at
        for each in stage.partitions
        if each.oldest_at is not None and (at - each.oldest_at).total_seconds() > STILL_SECONDS
    }
    if still:
        partition = min(still, key=lambda each: still[each])
        since = still[partition]
        more = f" So it is with {len(still) - 1} more of its partitions." if len(still) > 1 else ""
        yield Problem(
            ProblemCode.STILL,
            f"{stage.topic}[{partition}] stands still: its next record came {instant_told(since)}.{more}",
            "The worker's log says what it waits for. If it says nothing, start it again.",
        )


def _of_days(facts: PipelineFacts, stored: StoredFacts) -> Iterator[Problem]:
    if any(stage.stage == "contexts" and stage.members == 0 for stage in facts.stages):
        return
    for region in stored.regions:
        for waiting in region.waiting:
            if _is_overdue(waiting, stored, facts.at):
                yield Problem(
                    ProblemCode.OVERDUE,
                    f"{region.region}: {waiting_told(waiting)}.",
                    "The contexts stage does that within seconds: its log says what holds it up.",
                )


def _is_overdue(waiting: Waiting, stored: StoredFacts, at: dt.datetime) -> bool:
    match waiting.waits_for:
        case WaitsFor.RECORDS:
            return False  # the lag says it, and a stage that stands still
        case WaitsFor.PRICE:
            return waiting.until is not None and at - waiting.until > OVERDUE
        case WaitsFor.COMPUTING:
            last_made = max((each.made_at for each in stored.contexts), default=waiting.since)
            return at - max(last_made, waiting.since) > OVERDUE
        case WaitsFor.CLOSER | WaitsFor.CUT | WaitsFor.LOG:
            return at - waiting.since > OVERDUE


def _of_stored(stored: StoredFacts, settings: Settings) -> Iterator[Problem]:
    yield from chain(
        _of_letters(stored, settings),
        _of_unpublished(stored, settings),
        _of_definitions(stored, settings),
        _of_models(stored, settings),
        _of_calendars(stored.regions),
    )
    if stored.replay_unfinished:
        yield Problem(
            ProblemCode.REPLAY,
            "A replay into this database has not finished, and no worker starts on it before that.",
            f"`{command(settings, 'replay')}` goes on where it was stopped.",
        )


def _of_letters(stored: StoredFacts, settings: Settings) -> Iterator[Problem]:
    if stored.letters:
        most = sorted(stored.letters, key=lambda each: -each.letters)
        reasons = ", ".join(f"{each.topic} {each.reason} {each.letters:,}" for each in most[:NAMED_REASONS])
        more = f" and {len(most) - NAMED_REASONS} more reasons" if len(most) > NAMED_REASONS else ""
        total = sum(each.letters for each in most)
        yield Problem(
            ProblemCode.LETTERS,
            f"{total:,} dead {'letter waits' if total == 1 else 'letters wait'}: {reasons}{more}.",
            f"`{command(settings, 'dead-letters list')}` shows them; requeue or discard them.",
        )


def _of_unpublished(stored: StoredFacts, settings: Settings) -> Iterator[Problem]:
    for each in stored.unpublished:
        yield Problem(
            ProblemCode.UNPUBLISHED,
            f"{each.rows:,} {each.what} are not on their topic, the oldest for {span_told(each.oldest_seconds)}.",
            f"A running worker sends them every {settings.republish_seconds:g} s, or its log says why it cannot.",
        )


def _of_definitions(stored: StoredFacts, settings: Settings) -> Iterator[Problem]:
    for each in stored.other_definitions:
        todo = f"`{command(settings, 'replay --recompute')}` closes them again under the regions as they are today."
        yield Problem(
            ProblemCode.DEFINITION,
            definition_told(each),
            "Put it back, or leave them as they are." if each.now is None else todo,
        )


def _of_models(stored: StoredFacts, settings: Settings) -> Iterator[Problem]:
    check, replay = command(settings, "models check"), command(settings, "replay")
    for each in stored.models:
        if each.changed:
            yield Problem(ProblemCode.MODEL_CHANGED, changed(each.kind, each.model_id), f"`{check}` compares them all.")
        elif each.days_without:
            yield Problem(
                ProblemCode.MODEL_LACKING,
                f"{days_told(each.days_without)} were computed without {each.model_id}.",
                f"`{replay}` computes it for them.",
            )


def _of_calendars(regions: Sequence[RegionFacts]) -> Iterator[Problem]:
    ended = [region.region for region in regions if region.next_close is None]
    if ended:
        yield Problem(
            ProblemCode.CALENDAR,
            f"The calendar of {' and '.join(ended)} has no next session: the timer closes no more days.",
            "Set calendar_end to a later day.",
        )
