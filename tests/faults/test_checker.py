"""The checker is itself checked: it accepts a healthy run, and names the invariant of each thing broken in it."""

import asyncio
import copy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stream_app.embedded import Endpoints
from tests.conftest import created_database
from tests.faults import mutations
from tests.faults.checker import InvariantBroken, check
from tests.faults.healthy import healthy_run
from tests.faults.mutations import Mutation
from tests.faults.observed import Observed


@pytest.fixture(scope="module")
def own_databases(endpoints: Endpoints, template_database: str) -> Iterator[tuple[str, str]]:
    """Two migrated databases for the whole module: one for the run, one for its replay."""
    with (
        created_database(endpoints, "healthy", template_database) as first,
        created_database(endpoints, "healthy_again", template_database) as second,
    ):
        yield first, second


@pytest.fixture(scope="module")
def healthy(endpoints: Endpoints, own_databases: tuple[str, str], text_model: Path, regions_file: Path) -> Observed:
    """A small run without any fault: prices and news with corrections and poison, days closed in mid-stream."""

    with ThreadPoolExecutor(1) as thread:  # a loop of its own, whatever loop the asking test has
        return thread.submit(asyncio.run, healthy_run(endpoints, own_databases, text_model, regions_file)).result()


def test_a_healthy_run_holds_every_invariant(healthy: Observed) -> None:
    check(healthy)


def test_the_healthy_run_has_what_the_mutations_need(healthy: Observed) -> None:
    tables = healthy.tables
    assert len(tables["prices_daily"]) > 300
    assert min(len(tables[name]) for name in ("prices_history", "news_history", "dead_letters", "regimes")) > 0
    revisions = tables["joint_embedding_revisions"]
    assert max(row["revision"] for row in revisions) > 1
    assert {row["absent_reason"] for row in revisions} > {None}
    assert any(row["rows"] < 63 for row in tables["numeric_window_embeddings"])
    reasons = {"future-date", "not-encodable", "key-differs", "bad-origin"}
    assert {row["reason"] for row in tables["dead_letters"]} >= reasons
    for name in ("prices_daily", "prices_history", "news_articles"):
        assert any(row["origin_offset"] is not None for row in tables[name]), f"{name} has nothing that was sent again"


BROKEN: dict[str, list[Mutation]] = {
    "I1": [
        mutations.drop_a_row,
        mutations.drop_a_history_row,
        mutations.drop_an_article,
        mutations.drop_a_trigger,
        mutations.drop_a_dead_letter,
        mutations.change_a_dead_letters_bytes,
        mutations.apply_beyond_the_progress,
    ],
    "I2": [
        mutations.drop_a_row,
        mutations.add_a_history_row_twice,
        mutations.add_a_window,
        mutations.shift_a_price_by_a_cent,
        mutations.shift_a_position,
        mutations.forget_where_a_row_first_stood,
        mutations.let_an_older_original_win,
        mutations.change_a_headline,
        mutations.flip_a_bit_of_a_window,
        mutations.flip_a_bit_of_a_scaled_window,
        mutations.flip_a_bit_of_a_text_vector,
        mutations.drop_a_text_embedding,
    ],
    "I3": [mutations.commit_beyond_the_progress],
    "I4": [
        mutations.flip_a_bit_of_a_context,
        mutations.flip_a_bit_of_a_newest_context,
        mutations.flip_a_bit_of_a_newest_scaled_context,
        mutations.add_a_revision,
        mutations.store_a_revision_twice,
        mutations.drop_a_last_revision,
        mutations.swap_two_stored_contexts,
        mutations.make_a_context_of_another_article,
        mutations.forget_late_data,
    ],
    "I5": [
        mutations.drop_a_context_from_the_topic,
        mutations.swap_two_published_contexts,
        mutations.publish_other_bytes,
        mutations.publish_an_old_revision_as_the_latest,
        mutations.drop_a_dead_letter_from_the_topic,
        mutations.store_a_trigger_that_is_not_on_the_topic,
        mutations.leave_a_context_unpublished,
        mutations.drop_a_window_from_the_topic,
        mutations.publish_an_old_window_last,
        mutations.publish_other_bytes_of_a_window,
        mutations.publish_a_window_by_another_key,
        mutations.publish_a_transition,
    ],
    "I6": [mutations.know_an_input_before_it_came, mutations.compute_before_the_cut_is_reached],
    "I7": [
        mutations.make_a_vector_infinite,
        mutations.cut_a_vector_short,
        mutations.publish_a_second_vector_of_a_text,
        mutations.publish_the_vector_of_another_text,
    ],
    "I8": [
        mutations.leave_a_record_unapplied,
        mutations.commit_less_than_is_applied,
        mutations.leave_a_trigger_waiting,
    ],
    "I9": [
        mutations.drop_a_row_of_the_replay,
        mutations.flip_a_bit_of_a_window_of_the_replay,
        mutations.change_the_bytes_of_a_context_of_the_replay,
        mutations.make_a_revision_of_the_replay_known_later,
        mutations.make_one_more_revision_in_the_replay,
        mutations.change_the_sign_of_a_zero_in_the_replay,
    ],
}


@pytest.mark.parametrize(
    ("invariant", "mutate"),
    [pytest.param(name, mutate, id=f"{name}-{mutate.__name__}") for name, of in BROKEN.items() for mutate in of],
)
def test_a_broken_run_is_found_out(healthy: Observed, invariant: str, mutate: Mutation) -> None:
    broken = copy.deepcopy(healthy)
    mutate(broken)
    with pytest.raises(InvariantBroken, match=rf"(?m)^{invariant}: "):
        check(broken)
