"""What can be broken in a healthy run, for the checker to find out."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from schemas import DAY_TRIGGERS, JointRegimeContext, NumericWindowEmbedded, Rejected, TextEmbedded, Vector, encode
from schemas.topics import (
    CONTEXTS,
    CONTEXTS_LATEST,
    DAY_CLOSES,
    DEAD_LETTERS,
    NEWS,
    NUMERIC,
    PRICES,
    TEXT,
    TRANSITIONS,
)
from tests.faults.observed import Observed, Record, Tables
from tests.faults.oracle import Oracle
from tests.faults.spaces import CORE, SCALED

Mutation = Callable[[Observed], None]


def drop_a_row(run: Observed) -> None:
    run.tables["prices_daily"].pop()


def drop_a_history_row(run: Observed) -> None:
    run.tables["prices_history"].pop(0)


def drop_an_article(run: Observed) -> None:
    run.tables["news_articles"].pop()


def drop_a_trigger(run: Observed) -> None:
    run.tables["day_triggers"].pop()


def drop_a_dead_letter(run: Observed) -> None:
    run.tables["dead_letters"].pop()


def change_a_dead_letters_bytes(run: Observed) -> None:
    run.tables["dead_letters"][0]["value"] = b"something else"


def apply_beyond_the_progress(run: Observed) -> None:
    prices = run.prefix + PRICES.name
    letters = {(row["partition"], row["log_offset"]) for row in run.tables["dead_letters"] if row["topic"] == prices}
    of_prices = [row for row in run.tables["ingest_progress"] if row["topic"] == prices]
    next(row for row in of_prices if (row["partition"], row["next_offset"] - 1) not in letters)["next_offset"] -= 1


def add_a_history_row_twice(run: Observed) -> None:
    run.tables["prices_history"].append(dict(run.tables["prices_history"][0]))


def add_a_window(run: Observed) -> None:
    run.tables["numeric_window_embeddings"].append(run.tables["numeric_window_embeddings"][0] | {"entity_id": "I999"})


def shift_a_price_by_a_cent(run: Observed) -> None:
    next(row for row in run.tables["prices_daily"] if not row["retracted"])["close"] += 0.01


def shift_a_position(run: Observed) -> None:
    run.tables["prices_daily"][0]["log_timestamp_ms"] += 1


def forget_where_a_row_first_stood(run: Observed) -> None:
    next(row for row in run.tables["prices_daily"] if row["origin_offset"] is not None)["origin_offset"] = None


def let_an_older_original_win(run: Observed) -> None:
    older = next(row for row in run.tables["prices_history"] if row["origin_offset"] is not None)
    key = older["instrument_id"], older["trade_date"]
    rows = run.tables["prices_daily"]
    place = next(index for index, row in enumerate(rows) if (row["instrument_id"], row["trade_date"]) == key)
    history = run.tables["prices_history"]
    history[history.index(older)], rows[place] = rows[place], older


def change_a_headline(run: Observed) -> None:
    next(row for row in run.tables["news_articles"] if not row["retracted"])["headline"] += "!"


def flip_a_bit_of_a_window(run: Observed) -> None:
    row = run.tables["numeric_window_embeddings"][-1]
    row["vector"] = flipped(row["vector"])


def flip_a_bit_of_a_scaled_window(run: Observed) -> None:
    row = next(row for row in run.tables["numeric_window_embeddings"] if row["model_id"] == SCALED.numeric_model_id)
    row["vector"] = row["vector"][:4] + flipped(row["vector"][4:8]) + row["vector"][8:]


def flip_a_bit_of_a_text_vector(run: Observed) -> None:
    row = run.tables["text_embeddings"][0]
    row["vector"] = flipped(row["vector"])


def drop_a_text_embedding(run: Observed) -> None:
    run.tables["text_embeddings"].pop()


def commit_beyond_the_progress(run: Observed) -> None:
    run.committed[PRICES.name, 0] += 1


def flip_a_bit_of_a_context(run: Observed) -> None:
    row = next(row for row in run.tables["joint_embedding_revisions"] if row["vector"] is not None)
    row["vector"] = flipped(row["vector"])


def flip_a_bit_of_a_newest_scaled_context(run: Observed) -> None:
    row = next(row for row in run.tables["joint_embeddings"] if row["model_id"] == SCALED.joint_model_id)
    row["vector"] = flipped(row["vector"])


def flip_a_bit_of_a_newest_context(run: Observed) -> None:
    row = run.tables["joint_embeddings"][0]
    row["vector"] = flipped(row["vector"])


def add_a_revision(run: Observed) -> None:
    last = run.tables["joint_embedding_revisions"][-1]
    run.tables["joint_embedding_revisions"].append(last | {"revision": last["revision"] + 1})


def store_a_revision_twice(run: Observed) -> None:
    run.tables["joint_embedding_revisions"].append(dict(run.tables["joint_embedding_revisions"][-1]))


def drop_a_last_revision(run: Observed) -> None:
    run.tables["joint_embedding_revisions"].pop()


def swap_two_stored_contexts(run: Observed) -> None:
    _swap_two_of_one_key(run.tables["joint_embedding_revisions"], lambda row: (row["region"], row["model_id"]))


def make_a_context_of_another_article(run: Observed) -> None:
    """Of the same text, in another one's place: neither the number of articles nor their mean tells."""
    oracle = Oracle(run)
    made = next(revision for revision in oracle.revisions() if revision.vector is not None)
    (article_id, content_hash), *others = made.inputs.articles
    hashed = oracle.inputs_hash(replace(made.inputs, articles=((f"{article_id}-copy", content_hash), *others)))
    key = made.trigger.event.region, made.trigger.event.as_of, made.revision, CORE.joint_model_id
    names = ("region", "as_of_date", "revision", "model_id")
    rows = run.tables["joint_embedding_revisions"]
    row = next(row for row in rows if tuple(row[name] for name in names) == key)
    context = msgspec.json.decode(row["payload"], type=JointRegimeContext)
    row["inputs_hash"] = hashed
    row["payload"] = encode(msgspec.structs.replace(context, inputs_hash=hashed))


def forget_late_data(run: Observed) -> None:
    """Take a day's last amendment away altogether, with what it made."""
    kept = run.tables["joint_embedding_revisions"]
    last = next(row for row in reversed(kept) if row["revision"] > 1)
    key = (last["region"], last["as_of_date"], last["trigger_number"])
    run.tables["joint_embedding_revisions"] = [row for row in kept if row is not last]
    run.logs[DAY_CLOSES.name] = [record for record in run.logs[DAY_CLOSES.name] if _trigger_key(record) != key]


def drop_a_context_from_the_topic(run: Observed) -> None:
    gone = run.logs[CONTEXTS.name][-1].value
    run.logs[CONTEXTS.name] = [record for record in run.logs[CONTEXTS.name] if record.value != gone]


def swap_two_published_contexts(run: Observed) -> None:
    _swap_two_of_one_key(run.logs[CONTEXTS.name], lambda record: record.key.split(b"|")[0])


def publish_other_bytes(run: Observed) -> None:
    records = run.logs[CONTEXTS.name]
    records.append(replace(records[0], value=(records[0].value or b"") + b" "))


def publish_an_old_revision_as_the_latest(run: Observed) -> None:
    amended = next(row for row in run.tables["joint_embedding_revisions"] if row["revision"] > 1)
    records = run.logs[CONTEXTS_LATEST.name]
    day = f"{amended['region']}|{amended['as_of_date']}|{amended['model_id']}".encode()
    records.append(next(record for record in records if record.key == day))


def drop_a_dead_letter_from_the_topic(run: Observed) -> None:
    run.logs[DEAD_LETTERS.name].pop()


def store_a_trigger_that_is_not_on_the_topic(run: Observed) -> None:
    run.tables["day_triggers"][0]["event_id"] = "0" * 32


def drop_a_window_from_the_topic(run: Observed) -> None:
    gone = run.logs[NUMERIC.name][-1].value
    run.logs[NUMERIC.name] = [record for record in run.logs[NUMERIC.name] if record.value != gone]


def publish_an_old_window_last(run: Observed) -> None:
    record, event = _a_published_window(run)
    older = msgspec.structs.replace(event, event_id="0" * 32, vector=Vector.of(event.vector.numpy()[::-1]))
    run.logs[NUMERIC.name].append(replace(record, value=encode(older)))


def publish_other_bytes_of_a_window(run: Observed) -> None:
    record, event = _a_published_window(run)
    run.logs[NUMERIC.name].insert(0, replace(record, value=encode(msgspec.structs.replace(event, rows=event.rows - 1))))


def publish_a_window_by_another_key(run: Observed) -> None:
    records = run.logs[NUMERIC.name]
    records[0] = replace(records[0], key=b"another key")


def publish_a_transition(run: Observed) -> None:
    run.logs[TRANSITIONS.name].append(run.logs[CONTEXTS.name][0])


def leave_a_context_unpublished(run: Observed) -> None:
    run.tables["joint_embedding_revisions"][-1]["published"] = False


def know_an_input_before_it_came(run: Observed) -> None:
    log = run.logs[NEWS.name]
    log[0] = replace(log[0], timestamp=log[0].timestamp + 10**9)


def compute_before_the_cut_is_reached(run: Observed) -> None:
    _progress(run, NEWS.name)["next_offset"] = 0


def make_a_vector_infinite(run: Observed) -> None:
    row = run.tables["regimes"][0]
    row["regime_embedding"] = row["regime_embedding"][:4] + np.array([np.inf], ">f4").tobytes() * 384


def cut_a_vector_short(run: Observed) -> None:
    row = run.tables["text_vectors"][0]
    row["vector"] = row["vector"][:-4]


def publish_a_second_vector_of_a_text(run: Observed) -> None:
    record = run.logs[TEXT.name][0]
    event = msgspec.json.decode(record.value or b"", type=TextEmbedded)
    other = msgspec.structs.replace(event, vector=Vector.of(event.vector.numpy()[::-1]))
    run.logs[TEXT.name].append(replace(record, value=encode(other)))


def publish_the_vector_of_another_text(run: Observed) -> None:
    first, *records = run.logs[TEXT.name]
    codec = msgspec.json.Decoder(TextEmbedded)
    event = codec.decode(first.value or b"")
    other = next(
        each for each in (codec.decode(record.value or b"") for record in records) if each.vector != event.vector
    )
    run.logs[TEXT.name] = [
        replace(record, value=encode(msgspec.structs.replace(event, vector=other.vector)))
        if codec.decode(record.value or b"").content_hash == event.content_hash
        else record
        for record in run.logs[TEXT.name]
    ]


def leave_a_record_unapplied(run: Observed) -> None:
    run.ends[NEWS.name] = (run.ends[NEWS.name][0] + 1, *run.ends[NEWS.name][1:])


def commit_less_than_is_applied(run: Observed) -> None:
    run.committed[NEWS.name, 0] -= 1


def leave_a_trigger_waiting(run: Observed) -> None:
    run.tables["day_triggers"][0]["computed"] = False


def replayed(run: Observed) -> Tables:
    assert run.replayed is not None
    return run.replayed


def drop_a_row_of_the_replay(run: Observed) -> None:
    replayed(run)["prices_history"].pop()


def flip_a_bit_of_a_window_of_the_replay(run: Observed) -> None:
    row = replayed(run)["numeric_window_embeddings"][-1]
    row["vector"] = flipped(row["vector"])


def change_the_bytes_of_a_context_of_the_replay(run: Observed) -> None:
    replayed(run)["joint_embedding_revisions"][0]["payload"] += b" "


def make_a_revision_of_the_replay_known_later(run: Observed) -> None:
    replayed(run)["joint_embedding_revisions"][-1]["known_at"] += dt.timedelta(milliseconds=1)


def make_one_more_revision_in_the_replay(run: Observed) -> None:
    add_a_revision(replace(run, tables=replayed(run)))


def change_the_sign_of_a_zero_in_the_replay(run: Observed) -> None:
    for tables, zero in ((run.tables, 0.0), (replayed(run), -0.0)):
        tables["prices_daily"][0]["volume"] = zero


def flipped(vector: bytes) -> bytes:
    """The vector with the lowest bit of its last number changed."""
    return vector[:-1] + bytes([vector[-1] ^ 1])


def _progress(run: Observed, topic: str) -> dict[str, Any]:
    return next(row for row in run.tables["ingest_progress"] if row["topic"] == run.prefix + topic)


def _a_published_window(run: Observed) -> tuple[Record, NumericWindowEmbedded]:
    record = run.logs[NUMERIC.name][-1]
    return record, msgspec.json.decode(record.value or b"", type=NumericWindowEmbedded)


def _trigger_key(record: Record) -> tuple[str, dt.date, int]:
    event = DAY_TRIGGERS.decode(record.value)
    assert not isinstance(event, Rejected)
    return event.region, event.as_of, event.number


def _swap_two_of_one_key(items: list[Any], key_of: Callable[[Any], Any]) -> None:
    key = key_of(items[0])
    second = next(index for index in range(1, len(items)) if key_of(items[index]) == key)
    items[0], items[second] = items[second], items[0]
