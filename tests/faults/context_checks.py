"""I4 one context a revision, each a function of its trigger; I5 what is stored is published, in order."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from schemas import DayTrigger, DeadLetter, JointRegimeContext
from schemas.topics import CONTEXTS, CONTEXTS_LATEST, DAY_CLOSES, DEAD_LETTERS, TRANSITIONS
from tests.faults.differences import Violations, named, numbers, same
from tests.faults.observed import Observed, Record
from tests.faults.oracle import Oracle, Revision
from tests.faults.spaces import Space


def revisions_follow_triggers(observed: Observed, oracle: Oracle) -> Violations:
    """I4: a joint space's revisions are those that the triggers make, and the last ones those of all inputs."""
    expected, model_id = oracle.revisions(), oracle.space.joint_model_id
    rows = [row for row in observed.tables["joint_embedding_revisions"] if row["model_id"] == model_id]
    keys = Counter((row["region"], row["as_of_date"], row["model_id"], row["revision"]) for row in rows)
    yield from named("I4", "are stored more than once", [key for key, count in keys.items() if count > 1])
    for region in sorted({row["region"] for row in rows} | {r.trigger.event.region for r in expected}):
        of_region = [row for row in rows if row["region"] == region]
        wanted = [revision for revision in expected if revision.trigger.event.region == region]
        what = f"contexts of {region} by {model_id}"
        yield from same("I4", what, map(_stored_context, of_region), map(_context, wanted))
        order = [(row["as_of_date"], row["revision"]) for row in of_region]
        if order != [(r.trigger.event.as_of, r.revision) for r in wanted]:
            yield f"I4: the {what} were not made in the order of the triggers"
    for row in rows:
        yield from _payload_agrees(row)
    yield from _last_is_of_all_inputs(oracle, expected)
    yield from newest_tables(observed, oracle.space, expected)


def _stored_context(row: Mapping[str, Any]) -> tuple[Any, ...]:
    context = msgspec.json.decode(row["payload"], type=JointRegimeContext)
    windows = tuple((w.instrument_id, w.rows, w.last_date) for w in context.instruments)
    vector = None if context.vector is None else context.vector.data
    when = (context.known_at, context.closed_at, context.stale, context.absent_reason)
    what = (windows, context.articles, context.definition, context.numeric_last_date, vector)
    return (context.as_of, context.revision, context.trigger_number, *when, *what, context.inputs_hash)


def _context(revision: Revision) -> tuple[Any, ...]:
    trigger, inputs = revision.trigger, revision.inputs
    event = trigger.event
    last_date = max((last for _, _, last in inputs.instruments if last is not None), default=None)
    vector = None if revision.vector is None else revision.vector.tobytes()
    when = (_instant(trigger.timestamp_ms), event.closed_at, inputs.stale, inputs.absent_reason)
    what = (inputs.instruments, len(inputs.articles), event.definition, last_date, vector)
    return (event.as_of, revision.revision, event.number, *when, *what, revision.inputs_hash)


def _instant(timestamp_ms: int) -> dt.datetime:
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=timestamp_ms)


def _payload_agrees(row: Mapping[str, Any]) -> Violations:
    context = msgspec.json.decode(row["payload"], type=JointRegimeContext)
    vector = None if row["vector"] is None else numbers(row["vector"]).tobytes()
    of_payload = None if context.vector is None else context.vector.data
    names = ("region", "model_id", "revision", "trigger_number", "event_id", "known_at", "closed_at", "inputs_hash")
    if vector != of_payload or any(row[name] != getattr(context, name) for name in (*names, "absent_reason", "stale")):
        yield f"I4: columns and payload differ in {context.region} {context.as_of} revision {context.revision}"


def _last_is_of_all_inputs(oracle: Oracle, expected: list[Revision]) -> Violations:
    last = {(r.trigger.event.region, r.trigger.event.as_of): r.inputs.signature for r in expected}
    newest: dict[tuple[str, dt.date], DayTrigger] = {}
    for trigger in oracle.first_triggers():
        key = trigger.event.region, trigger.event.as_of
        if key not in newest or trigger.event.number > newest[key].number:
            newest[key] = trigger.event
    behind = [key for key, event in newest.items() if oracle.inputs(event, at_the_end=True).signature != last[key]]
    yield from named("I4", "end with a context that late data should have amended", behind)


def newest_tables(observed: Observed, space: Space, expected: list[Revision]) -> Violations:
    """I4: of each day stands what its last revision says, in one joint space."""
    newest = {(r.trigger.event.region, r.trigger.event.as_of): r for r in expected}
    joint = (
        (row["region"], row["as_of_date"], row["revision"], numbers(row["vector"]).tobytes())
        for row in observed.tables["joint_embeddings"]
        if row["model_id"] == space.joint_model_id
    )
    of_joint = ((*key, r.revision, r.vector.tobytes()) for key, r in newest.items() if r.vector is not None)
    yield from same("I4", f"joint_embeddings of {space.joint_model_id}", joint, of_joint)
    regimes = (
        (row["region"], row["as_of_date"], numbers(row["regime_embedding"]).tobytes())
        for row in observed.tables["regimes"]
        if row["model_id"] == space.numeric_model_id
    )
    of_regimes = ((*key, r.numeric.tobytes()) for key, r in newest.items() if r.numeric is not None)
    yield from same("I4", f"regimes of {space.numeric_model_id}", regimes, of_regimes)


def published(observed: Observed) -> Violations:
    """I5: each stored context, trigger and dead letter is on its topic; contexts are in order by region."""
    rows = observed.tables["joint_embedding_revisions"]
    on_topic = _first_copies(observed.logs[CONTEXTS.name], JointRegimeContext)
    yield from _same_bytes("contexts", {row["event_id"]: row["payload"] for row in rows}, on_topic)
    for region in sorted({row["region"] for row in rows}):
        stored = [row["event_id"] for row in rows if row["region"] == region]
        sent = [key for key in on_topic if key in set(stored)]
        if sent != [key for key in stored if key in on_topic]:
            yield f"I5: the contexts of {region} are not on the topic in the order in which they were made"
    yield from _latest(observed)
    transitions = [record.key for record in observed.logs[TRANSITIONS.name]]
    yield from named("I5", "are transitions although no regimes are fitted", transitions)
    letters = _first_copies(observed.logs[DEAD_LETTERS.name], DeadLetter)
    yield from same("I5", "dead letters", list(letters), (row["event_id"] for row in observed.tables["dead_letters"]))
    sent_triggers = {row["event_id"] for row in observed.tables["day_triggers"]}
    logged = {msgspec.json.decode(r.value or b"{}").get("event_id") for r in observed.logs[DAY_CLOSES.name]}
    yield from named("I5", "are triggers that are not on the topic", sorted(sent_triggers - logged))
    left = [
        name for name in ("joint_embedding_revisions", "dead_letters", "day_triggers") if _unpublished(observed, name)
    ]
    yield from named("I5", "keep rows that are not published", left)


def _unpublished(observed: Observed, table: str) -> bool:
    return any(not row["published"] for row in observed.tables[table])


def _first_copies(records: Iterable[Record], kind: type[Any]) -> dict[str, set[bytes]]:
    """The different bytes of each event, in the order in which their first copies stand on the topic."""
    found: dict[str, set[bytes]] = {}
    for record in records:
        value = record.value or b""
        found.setdefault(msgspec.json.decode(value, type=kind).event_id, set()).add(value)
    return found


def _same_bytes(what: str, stored: Mapping[str, bytes], sent: Mapping[str, set[bytes]]) -> Violations:
    yield from named("I5", f"are {what} that were never published", sorted(set(stored) - set(sent)))
    yield from named("I5", f"are {what} on the topic that are not stored", sorted(set(sent) - set(stored)))
    differing = [key for key, values in sent.items() if key in stored and values != {stored[key]}]
    yield from named("I5", f"are {what} that differ from what is stored", differing)


def _latest(observed: Observed) -> Violations:
    newest = {}
    for row in observed.tables["joint_embedding_revisions"]:
        newest[f"{row['region']}|{row['as_of_date']}|{row['model_id']}".encode()] = row["payload"]
    latest = {record.key: record.value for record in observed.logs[CONTEXTS_LATEST.name]}
    yield from same("I5", CONTEXTS_LATEST.name, latest.items(), newest.items())
