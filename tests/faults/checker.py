"""The invariants of a run, one checker for every fault test: what was observed against what the oracle computes.

I1 no loss; I2 no double effect; I3 Kafka's commits are never ahead of the progress; I4 one context a revision, each a
function of its trigger, the last one of all inputs; I5 what is stored is published, in order; I6 nothing from beyond a
cut; I7 sound vectors, one a text; I8 no lag is left; I9 live equals replay, where a run was replayed.
"""

import msgspec
import numpy as np

from schemas import TextEmbedded
from schemas.topics import DAY_CLOSES, NEWS, PRICES, TEXT
from tests.faults.context_checks import published, revisions_follow_triggers
from tests.faults.differences import Violations, named, numbers, progress
from tests.faults.effects import commits_follow_progress, no_double_effect, no_loss, no_other_windows
from tests.faults.observed import Observed
from tests.faults.oracle import Oracle
from tests.faults.replayed import live_equals_replay
from tests.faults.spaces import DIM, Space, of_models
from tests.faults.text_checks import vectors_of_their_texts
from tests.faults.window_checks import windows_published

INPUTS = (PRICES.name, NEWS.name, DAY_CLOSES.name)


class InvariantBroken(AssertionError):
    """Some invariants do not hold; the message names each of them with examples."""


def check(observed: Observed) -> None:
    """Raise InvariantBroken, naming every invariant that does not hold."""
    found = violations(observed)
    if found:
        raise InvariantBroken("\n".join(found))


def violations(observed: Observed) -> list[str]:
    """One sentence for each thing that does not hold, beginning with its invariant's name."""
    oracle = Oracle(observed)
    return [
        *no_loss(observed, oracle),
        *no_double_effect(observed, oracle),
        *commits_follow_progress(observed),
        *[sentence for space in of_models(observed.tables["models"]) for sentence in _of_space(observed, space)],
        *published(observed),
        *windows_published(observed, oracle),
        *_nothing_from_beyond_the_cut(observed, oracle),
        *_sound_vectors(observed),
        *vectors_of_their_texts(observed, oracle),
        *_no_lag(observed),
        *live_equals_replay(observed),
    ]


def _of_space(observed: Observed, space: Space) -> Violations:
    oracle = Oracle(observed, space)
    yield from no_other_windows(observed, oracle)
    yield from revisions_follow_triggers(observed, oracle)


def _nothing_from_beyond_the_cut(observed: Observed, oracle: Oracle) -> Violations:
    applied = {topic: progress(observed, topic) for topic in INPUTS}
    for trigger in oracle.first_triggers():
        event = trigger.event
        name = f"{event.region} {event.as_of} trigger {event.number}"
        for topic, log in ((PRICES.name, oracle.prices), (NEWS.name, oracle.news)):
            cut = event.cut[observed.prefix + topic].offsets
            if any(applied[topic].get(partition, 0) < offset for partition, offset in enumerate(cut)):
                yield f"I6: the cut of {name} is not reached on {topic}"
            if any(v.timestamp_ms > trigger.timestamp_ms for v in log.good if v.offset < cut[v.partition]):
                yield f"I6: the cut of {name} holds records of {topic} that came after it"


def _sound_vectors(observed: Observed) -> Violations:
    for table, column in (
        ("numeric_window_embeddings", "vector"),
        ("text_vectors", "vector"),
        ("text_embeddings", "vector"),
        ("joint_embedding_revisions", "vector"),
        ("joint_embeddings", "vector"),
        ("regimes", "regime_embedding"),
    ):
        vectors = [numbers(row[column]) for row in observed.tables[table] if row[column] is not None]
        if any(len(vector) != DIM or not np.isfinite(vector).all() for vector in vectors):
            yield f"I7: {table} holds a vector that is not {DIM} finite numbers"
    seen: dict[tuple[str, str], set[bytes]] = {}
    for record in observed.logs[TEXT.name]:
        event = msgspec.json.decode(record.value or b"", type=TextEmbedded)
        seen.setdefault((event.content_hash, event.fingerprint), set()).add(event.vector.data)
    yield from named("I7", "are texts with several vectors", [key for key, data in seen.items() if len(data) > 1])


def _no_lag(observed: Observed) -> Violations:
    for topic in INPUTS:
        at = progress(observed, topic)
        for partition, end in enumerate(observed.ends[topic]):
            if at.get(partition, 0) != end:
                yield f"I8: {topic}[{partition}] is applied up to {at.get(partition, 0)} of {end}"
            committed = observed.committed.get((topic, partition), 0)
            if committed != end:
                yield f"I8: {topic}[{partition}] is committed up to {committed} of {end}"
    waiting = [row for row in observed.tables["day_triggers"] if not row["computed"]]
    yield from named("I8", "are triggers that still wait", [(row["region"], row["as_of"]) for row in waiting])
