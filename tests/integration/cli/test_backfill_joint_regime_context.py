"""`backfill-joint-regime-context`: halves joined by day, what is missing named, and live rows left as they are."""

import datetime as dt

import numpy as np
import pytest

from stream_app.backfill import halves as halves_module
from stream_app.scripts.backfill_joint_regime_context import command
from tests.integration.cli.conftest import CommandLine
from tests.integration.cli.tables import Tables, news
from tests.integration.pipeline import weekdays
from tests.integration.text_models import QuickModel

DAY = dt.date(2025, 1, 31)
WEEK = weekdays(DAY, 5)
SPAN = f"--date-range {WEEK[0]} {DAY}"
BACKFILL = "backfill-joint-regime-context --region US"
JOINT = "SELECT vector FROM joint_embeddings WHERE region = $1 ORDER BY as_of_date"
REGIMES = "SELECT regime_embedding FROM regimes WHERE region = $1 ORDER BY as_of_date"
TEXTS = """
    SELECT e.vector FROM text_embeddings e JOIN news_articles a ON a.article_id = e.source_id
    WHERE a.news_date = $1 ORDER BY a.article_id
"""
LIVE_REGIME = """
    INSERT INTO regimes (regime_record_id, as_of_date, region, model_id, instruments, regime_label, confidence,
        regime_embedding)
    VALUES ('live', $1, 'US', 'num-regime-core-v1', '{SPX.US}', 'NEUTRAL', 1, $2::text::vector)
"""
LIVE_JOINT = "UPDATE joint_embeddings SET origin = 'live', vector = $1::text::vector WHERE as_of_date = $2"
ZEROS = str([0] * 384)
HALVES = {"numeric_model_id": "num-regime-core-v1", "text_model_id": "text-fin-general-v1"}


@pytest.fixture
def halves(stream_app: CommandLine, tables: Tables, model: QuickModel) -> Tables:
    """A week of regimes of two regions, and on all days but one some articles with their vectors."""
    tables.put_prices("AAPL.US", weekdays(DAY, 130))
    tables.put_prices("SAP.EU", weekdays(DAY, 130), base=200.0)
    tables.put_articles(
        *[
            news(f"{day}-{number}", dt.datetime.combine(day, dt.time(number), dt.UTC), f"{number} on {day}.")
            for day in (*WEEK[:3], DAY)
            for number in range(10)
        ]
    )
    for words in (
        f"run-numeric-regime --region US --instrument-id AAPL.US {SPAN}",
        f"run-numeric-regime --region EU --instrument-id SAP.EU {SPAN}",
        f"backfill-text-embeddings {SPAN}",
    ):
        assert stream_app.run_here(words).exit_code == 0
    return tables


def expected(tables: Tables, region: str) -> list[bytes]:
    """PARITY's joint vectors: sums in float64 in article_id order, and the halves averaged in float32."""
    found = []
    for day, regime in zip(WEEK, tables.vectors(REGIMES, region), strict=True):
        total = np.zeros(384)
        articles = tables.vectors(TEXTS, day)
        for vector in articles:
            total += vector
        if len(articles):
            mean = (total / len(articles)).astype(np.float32)
            found.append((np.float32(0.5) * regime + np.float32(0.5) * mean).tobytes())
    return found


@pytest.mark.parametrize("chunk_articles", [1, 25, 20_000])
def test_halves_are_joined_and_a_second_run_changes_nothing(
    stream_app: CommandLine, halves: Tables, monkeypatch: pytest.MonkeyPatch, chunk_articles: int
) -> None:
    monkeypatch.setattr(halves_module, "CHUNK_ARTICLES", chunk_articles)
    models = "--text-model-id text-fin-general-v1 --joint-model-id joint-regime-core-v1"
    options = f"--region US --region EU {SPAN} {models} --language en"
    ran = stream_app.run_here(options, command)
    assert (ran.exit_code, ran.stdout) == (0, "contexts: 8 new\n")
    assert ran.stderr.splitlines() == [
        f"No text embeddings found for date={WEEK[3]}; skipping",
        f"Make them with `stream-app backfill-text-embeddings {SPAN} --language en --model-id text-fin-general-v1`, "
        "where there are articles.",
    ]
    for region in ("US", "EU"):
        assert [vector.tobytes() for vector in halves.vectors(JOINT, region)] == expected(halves, region)
    assert halves.fetch(
        "SELECT DISTINCT joint_type, entity_scope, revision, origin FROM joint_embeddings ORDER BY 2"
    ) == [
        ("REGIME_CONTEXT_V0", {"region": region, "source": "regime+news"} | HALVES, None, "backfill")
        for region in ("EU", "US")
    ]
    before = halves.state()
    again = stream_app.run_here(options, command)
    assert (again.exit_code, again.stdout) == (0, "contexts: 8 unchanged\nNothing changed.\n")
    assert halves.state() == before


def test_a_dry_run_does_nothing(stream_app: CommandLine, halves: Tables) -> None:
    before = halves.state()
    ran = stream_app.run_here(f"{BACKFILL} --as-of {DAY} --dry-run")
    assert (ran.exit_code, ran.stdout) == (0, "Dry run: nothing was written. It would be:\ncontexts: 1 new\n")
    assert halves.state() == before


def test_a_region_without_regimes_is_named_and_the_others_go_on(stream_app: CommandLine, halves: Tables) -> None:
    ran = stream_app.run_here(f"{BACKFILL} --region us --as-of {DAY}")
    assert ran.stderr.splitlines() == [
        f"No regime embeddings found for region=us between {DAY} and {DAY}",
        f"Make them with `stream-app run-numeric-regime --region us --instrument-id ID --as-of {DAY} "
        "--model-id num-regime-core-v1`.",
    ]
    assert (ran.exit_code, ran.stdout) == (0, "contexts: 1 new\n")


def test_days_that_have_news_and_no_regime_are_named_and_in_a_range_only_where_a_session_is(
    stream_app: CommandLine, halves: Tables
) -> None:
    saturday = DAY + dt.timedelta(days=1)
    halves.put_articles(news("weekend", dt.datetime.combine(saturday, dt.time(9), dt.UTC), "On a weekend."))
    assert stream_app.run_here(f"backfill-text-embeddings --as-of {saturday}").exit_code == 0
    halves.fetch("DELETE FROM regimes WHERE region = 'US' AND as_of_date <> $1", WEEK[0])
    halves.fetch("UPDATE regimes SET region = 'Nowhere' WHERE region = 'EU'")
    span = f"--date-range {WEEK[0]} {saturday}"
    ran = stream_app.run_here(f"{BACKFILL} --region Nowhere {span}")
    make = f"--instrument-id ID {span} --model-id num-regime-core-v1`, then repeat this command."
    assert ran.stderr.splitlines()[:4] == [
        f"No regime embeddings found for region=US on 3 days that have news: {WEEK[1]}, {WEEK[2]}, {DAY}",
        f"Make them with `stream-app run-numeric-regime --region US {make}",
        f"No regime embeddings found for region=Nowhere on 1 days that have news: {saturday}",
        f"Make them with `stream-app run-numeric-regime --region Nowhere {make}",
    ]
    assert (ran.exit_code, ran.stdout) == (0, "contexts: 5 new\n")
    named = stream_app.run_here(f"{BACKFILL} {span} --instrument-id AAPL.US")
    assert f"--region US --instrument-id AAPL.US {span} --model-id num-regime-core-v1`" in named.stderr


def test_regimes_are_chosen_by_their_numeric_model(stream_app: CommandLine, halves: Tables) -> None:
    ran = stream_app.run_here(f"{BACKFILL} --as-of {DAY} --numeric-model-id another --joint-model-id another-joint")
    assert ran.stderr.startswith("No regime embeddings found for region=US ")
    assert (ran.exit_code, ran.stdout) == (0, "contexts: none\nNothing changed.\n")


def test_another_joint_model_stands_beside(stream_app: CommandLine, halves: Tables) -> None:
    for model in ("joint-regime-core-v1", "another"):
        ran = stream_app.run_here(f"{BACKFILL} --as-of {DAY} --joint-model-id {model}")
        assert (ran.exit_code, ran.stdout) == (0, "contexts: 1 new\n")


def test_a_filled_in_day_that_has_lost_a_half_is_removed_and_told_and_a_live_one_stays(
    stream_app: CommandLine, halves: Tables
) -> None:
    assert stream_app.run_here(f"{BACKFILL} --region EU {SPAN}").stdout == "contexts: 8 new\n"
    halves.fetch(LIVE_JOINT + " AND region = 'EU'", ZEROS, DAY)
    halves.fetch("UPDATE news_articles SET retracted = true WHERE news_date = ANY($1)", [WEEK[0], DAY])
    halves.fetch("DELETE FROM regimes WHERE region = 'US' AND as_of_date = $1", WEEK[1])
    before = halves.state()
    told = "contexts: 2 removed, 3 unchanged\n"
    words = f"{BACKFILL} --region EU --date-range {WEEK[1]} {DAY}"
    dry = stream_app.run_here(f"{words} --dry-run")
    assert (dry.exit_code, dry.stdout) == (0, f"Dry run: nothing was written. It would be:\n{told}")
    assert halves.state() == before

    ran = stream_app.run_here(words)
    assert (ran.exit_code, ran.stdout) == (0, told)
    assert f"No text embeddings found for date={DAY}; skipping" in ran.stderr
    assert halves.fetch("SELECT region, as_of_date, origin FROM joint_embeddings ORDER BY 1, 2") == [
        ("EU", WEEK[0], "backfill"),
        ("EU", WEEK[1], "backfill"),
        ("EU", WEEK[2], "backfill"),
        ("EU", DAY, "live"),
        ("US", WEEK[0], "backfill"),
        ("US", WEEK[2], "backfill"),
    ]
    shown = stream_app.run_here(f"show --region US --start {DAY}")
    assert shown.stdout.splitlines()[1:] == []
    assert stream_app.run_here(words).stdout == "contexts: 3 unchanged\nNothing changed.\n"


@pytest.mark.parametrize("half", ["numeric", "text"])
def test_contexts_of_other_models_than_its_own_are_refused_under_a_joint_models_id(
    stream_app: CommandLine, halves: Tables, half: str
) -> None:
    before = halves.state()
    asked = {"numeric": HALVES["numeric_model_id"], "text": HALVES["text_model_id"]} | {half: "another"}
    for more in ("", " --dry-run"):
        ran = stream_app.run_here(f"{BACKFILL} --as-of {WEEK[0]} --{half}-model-id another{more}")
        assert (ran.exit_code, ran.stdout) == (2, "")
        assert (
            "The contexts of joint-regime-core-v1 are made of num-regime-core-v1 and text-fin-general-v1, not of "
            f"{asked['numeric']} and {asked['text']}: name another joint model with --joint-model-id."
        ) in ran.stderr
    assert halves.state() == before
    scaled = stream_app.run_here(f"{BACKFILL} --as-of {WEEK[0]} --numeric-model-id num-regime-scaled-v1")
    assert "with --joint-model-id. Made of these: joint-regime-scaled-v2, joint-regime-scaled-v1." in " ".join(
        scaled.stderr.split()
    )
    beside = stream_app.run_here(f"{BACKFILL} --as-of {DAY} --{half}-model-id another --joint-model-id another-joint")
    assert beside.exit_code == 0


def test_contexts_of_other_models_are_refused_under_an_id_that_no_file_has_and_that_is_in_use(
    stream_app: CommandLine, halves: Tables
) -> None:
    words = f"{BACKFILL} --as-of {DAY} --joint-model-id another-joint"
    assert stream_app.run_here(words).exit_code == 0
    before = halves.state()
    ran = stream_app.run_here(f"{words} --numeric-model-id another")
    assert "The contexts of another-joint are made of num-regime-core-v1 and text-fin-general-v1, not" in ran.stderr
    assert (ran.exit_code, halves.state()) == (2, before)


def test_weights_that_were_fitted_on_texts_of_another_model_join_none(stream_app: CommandLine, halves: Tables) -> None:
    halves.fetch("UPDATE models SET fingerprint = 'another' WHERE kind = 'text'")
    before = halves.state()
    ran = stream_app.run_here(f"{BACKFILL} --as-of {DAY} --joint-model-id joint-regime-scaled-v2")
    told = "The weights of joint-regime-scaled-v2 were fitted on vectors of text-fin-general-v1 as it was then, not as"
    assert told in " ".join(ran.stderr.split())
    assert (ran.exit_code, ran.stdout, halves.state()) == (2, "", before)


def test_articles_that_have_no_vector_yet_are_told_of(stream_app: CommandLine, halves: Tables) -> None:
    halves.put_articles(news("new", dt.datetime.combine(DAY, dt.time(12), dt.UTC), "Not yet encoded."))
    ran = stream_app.run_here(f"{BACKFILL} --as-of {DAY}")
    assert ran.stderr.splitlines() == [
        f"1 of 11 articles of {DAY} have no vector of text-fin-general-v1.",
        f"Make them with `stream-app backfill-text-embeddings --as-of {DAY} --model-id text-fin-general-v1`, "
        "then repeat this command.",
    ]
    assert (ran.exit_code, ran.stdout) == (0, "contexts: 1 new\n")
    stream_app.run_here(f"backfill-text-embeddings --as-of {DAY}")
    assert stream_app.run_here(f"{BACKFILL} --as-of {DAY}").stdout == "contexts: 1 changed\n"


def test_a_day_with_several_regimes_fails_until_one_is_named_and_the_others_go_on(
    stream_app: CommandLine, halves: Tables
) -> None:
    stream_app.run_here(f"run-numeric-regime --region US --instrument-id SAP.EU --as-of {DAY}")
    ran = stream_app.run_here(f"{BACKFILL} --date-range {WEEK[2]} {DAY}")
    assert ran.stderr.splitlines()[-2:] == [
        f"US {DAY} has regimes of different instruments (AAPL.US; SAP.EU).",
        "Name those to use with --instrument-id.",
    ]
    assert (ran.exit_code, ran.stdout) == (1, "contexts: 1 new\n")
    named = stream_app.run_here(f"{BACKFILL} --as-of {DAY} --instrument-id AAPL.US")
    assert (named.exit_code, named.stdout) == (0, "contexts: 1 new\n")


def test_another_language_has_no_texts(stream_app: CommandLine, halves: Tables) -> None:
    ran = stream_app.run_here(f"{BACKFILL} --as-of {DAY} --language de")
    assert ran.stderr.splitlines()[0] == f"No text embeddings found for date={DAY}; skipping"
    assert (ran.exit_code, ran.stdout) == (0, "contexts: none\nNothing changed.\n")


def test_a_live_context_stays_and_a_live_regime_goes_before_a_backfilled_one(
    stream_app: CommandLine, halves: Tables
) -> None:
    halves.fetch(LIVE_REGIME, WEEK[0], ZEROS)
    assert stream_app.run_here(f"{BACKFILL} {SPAN}").stdout == "contexts: 4 new\n"
    first = halves.vectors(JOINT, "US")[0]
    assert np.abs(first).max() < 1

    halves.fetch(LIVE_JOINT, ZEROS, DAY)
    ran = stream_app.run_here(f"{BACKFILL} {SPAN}")
    assert ran.stdout == "contexts: 3 unchanged, 1 live and left as they are\nNothing changed.\n"
    assert not halves.vectors(JOINT, "US")[-1].any()
