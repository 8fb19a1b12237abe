"""The end of a fault test: wait until nothing is left to be done, then check every invariant."""

import msgspec

from schemas.topics import CONTEXTS, DAY_CLOSES, DEAD_LETTERS, TEXT, Topic
from tests.faults.actions import note
from tests.faults.checker import check
from tests.faults.observed import STAGE_TOPICS, Observed, committed_offsets, observe
from tests.faults.workers import Crew
from tests.integration.pipeline import Pipeline, until

LEFT_TO_DO = """
    SELECT (SELECT count(*) FROM late_marks)
        + (SELECT count(*) FROM day_triggers WHERE NOT computed OR NOT published)
        + (SELECT count(*) FROM joint_embedding_revisions WHERE NOT published)
        + (SELECT count(*) FROM dead_letters WHERE NOT published)
"""
SETTLE_SECONDS = 240.0
"""For a busy machine; a quiet one takes a tenth of it."""
APPLIED = "SELECT partition, next_offset FROM ingest_progress WHERE topic = $1"
COMPUTED_CUTS = "SELECT region, as_of, cut FROM day_triggers WHERE computed"


async def applied(path: Pipeline, topic: str) -> dict[int, int]:
    """How far each partition of a topic (named without its prefix) has been applied."""
    rows = await path.fetch(APPLIED, path.services.topic(topic))
    return {row["partition"]: row["next_offset"] for row in rows}


async def ends(path: Pipeline, topic: str) -> dict[int, int]:
    """The end offset of each partition of a topic (named without its prefix)."""
    return dict(enumerate(await path.services.log.end_offsets(path.services.topic(topic))))


async def in_flight(path: Pipeline, topic: str) -> int:
    """How many records of the topic are not applied yet."""
    return sum((await ends(path, topic)).values()) - sum((await applied(path, topic)).values())


async def settled(path: Pipeline) -> bool:
    """Whether all input is applied and committed, all late data amended, everything computed and published."""
    for topic in STAGE_TOPICS.values():
        if await applied(path, topic) != await ends(path, topic):
            return False
    if await path.value(LEFT_TO_DO):
        return False
    at_end = {(topic, p): end for topic in STAGE_TOPICS.values() for p, end in (await ends(path, topic)).items()}
    return await committed_offsets(path) == at_end


async def nothing_is_ahead(path: Pipeline) -> None:
    """Raise if at this moment a commit (I3) or the cut of a computed trigger (I6) is ahead of what is applied.

    The progress is read last, and only grows. Once all has settled neither could be seen any more.
    """
    committed = await committed_offsets(path)
    computed = await path.fetch(COMPUTED_CUTS)
    progress = {topic: await applied(path, topic) for topic in STAGE_TOPICS.values()}
    for (topic, partition), offset in committed.items():
        assert offset <= progress[topic].get(partition, 0), f"I3: {topic}[{partition}] is committed up to {offset}"
    for row in computed:
        for name, end in row["cut"].items():
            reached = progress[name.removeprefix(path.settings.topic_prefix)]
            behind = {p for p, offset in enumerate(end["offsets"]) if reached.get(p, 0) < offset}
            assert not behind, f"I6: {row['region']} {row['as_of']} is computed, its cut not reached on {name} {behind}"


async def at_rest(path: Pipeline, workers: Crew) -> None:
    """Wait until nothing is left to be done, while no worker ends by itself."""

    async def is_at_rest() -> bool:
        workers.check()
        return await settled(path)

    await until(is_at_rest, "everything applied, amended, computed, published and committed", SETTLE_SECONDS)


async def settle_and_check(path: Pipeline, workers: Crew, replay_into: str | None = None) -> Observed:
    """Wait until all is at rest; then the checker must pass.

    With the URL of a fresh database the log is also replayed into it, for I9.
    """
    await at_rest(path, workers)
    if replay_into is not None:
        await workers.replay(replay_into)
    return await check_run(path, replay_into)


async def check_run(path: Pipeline, replayed_url: str | None = None) -> Observed:
    """Observe the run and check it; what it came to is noted for the summary of all."""
    observed = await observe(path, replayed_url)
    check(observed)
    note(
        "every invariant holds",
        recipes=1,
        records=sum(len(observed.logs[topic]) for topic in STAGE_TOPICS.values()),
        poison=len(observed.tables["dead_letters"]),
        duplicates=sum(copies(observed, topic) for topic in (TEXT, CONTEXTS, DAY_CLOSES, DEAD_LETTERS)),
    )
    return observed


def copies(observed: Observed, topic: Topic) -> int:
    """How many records of a topic are copies of an event that stands there already."""
    ids = [msgspec.json.decode(record.value or b"{}").get("event_id") for record in observed.logs[topic.name]]
    return len(ids) - len(set(ids))
