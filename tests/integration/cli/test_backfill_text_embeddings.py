"""`backfill-text-embeddings`: which articles get a vector, in which order, and what is said of the others."""

import datetime as dt
import os
import signal
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from stream_app.backfill import texts
from stream_app.encoding import TextEncoder
from stream_app.errors import Fatal
from stream_app.regime.text import content_hash
from stream_app.scripts.backfill_text_embeddings import command
from tests.integration.cli.conftest import CommandLine
from tests.integration.cli.tables import Tables, news
from tests.integration.text_models import QuickModel

DAY = dt.date(2025, 1, 31)
BACKFILL = f"backfill-text-embeddings --as-of {DAY}"
EMBEDDED = "SELECT source_id FROM text_embeddings WHERE source_type = 'NEWS' ORDER BY source_id"
AUCKLAND = (
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = ''Pacific/Auckland''', current_database()); END $$"
)
RETRACT = "UPDATE news_articles SET retracted = true WHERE article_id = 'a'"
AS_LIVE_BEFORE_A_CORRECTION = "UPDATE text_embeddings SET origin = 'live', content_hash = '\\x00'"


def at(hour: int, minute: int = 0, day: dt.date = DAY) -> dt.datetime:
    """An instant of a day in UTC."""
    return dt.datetime.combine(day, dt.time(hour, minute), dt.UTC)


def embedded(tables: Tables) -> list[str]:
    """The articles that have a vector."""
    return [row[0] for row in tables.fetch(EMBEDDED)]


@pytest.fixture
def three(tables: Tables) -> Tables:
    """Three articles; by published_at, then by id, they are c, a, b."""
    tables.put_articles(news("b", at(9), "Second."), news("a", at(9), "First."), news("c", at(8), "Early."))
    return tables


def test_articles_get_the_vector_of_their_text_and_a_second_run_changes_nothing(
    stream_app: CommandLine, three: Tables, model: QuickModel
) -> None:
    options = f"--as-of {DAY} --language EN --limit 10000 --model-id text-fin-general-v1"
    ran = stream_app.run_here(options, command)
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, "articles: 3 embedded\n", "")
    assert set(three.fetch("SELECT source_type, model_id, origin FROM text_embeddings")) == {
        ("NEWS", "text-fin-general-v1", "backfill")
    }
    before, encoded = three.state(), len(model.encoded)
    again = stream_app.run_here(options, command)
    assert (again.exit_code, again.stdout) == (0, "articles: 3 unchanged\nNothing changed.\n")
    assert (three.state(), len(model.encoded)) == (before, encoded)


@pytest.mark.parametrize("language", ["EN", "en", "En"])
def test_a_language_is_compared_without_case(
    stream_app: CommandLine, tables: Tables, model: QuickModel, language: str
) -> None:
    tables.put_articles(
        news("upper", at(9), "A.", language="EN"),
        news("lower", at(9), "B.", language="en"),
        news("german", at(9), "C.", language="DE"),
        news("none", at(9), "D.", language=None),
    )
    assert stream_app.run_here(f"{BACKFILL} --language {language}").exit_code == 0
    assert embedded(tables) == ["lower", "upper"]
    assert stream_app.run_here(BACKFILL).stdout == "articles: 2 embedded, 2 unchanged\n"
    assert embedded(tables) == ["german", "lower", "none", "upper"]


def test_a_day_is_utcs_and_a_date_only_article_counts_on_its_date(
    stream_app: CommandLine, tables: Tables, model: QuickModel
) -> None:
    next_day, honolulu = DAY + dt.timedelta(days=1), dt.timezone(-dt.timedelta(hours=10))
    tables.put_articles(
        news("first", at(0), "A."),
        news("last", at(23, 59), "B."),
        news("before", at(23, 59, DAY - dt.timedelta(days=1)), "C."),
        news("after", at(0, 0, next_day), "D."),
        news("date", dt.datetime.combine(DAY, dt.time(23, 59, 59), honolulu), "E.", time_precision="date"),
    )
    tables.fetch(AUCKLAND)
    assert stream_app.run_here(BACKFILL).exit_code == 0
    assert embedded(tables) == ["date", "first", "last"]
    assert stream_app.run_here(f"backfill-text-embeddings --date-range {DAY} {next_day}").exit_code == 0
    assert embedded(tables) == ["after", "date", "first", "last"]


def test_the_limit_takes_the_oldest_and_repeating_goes_on(
    stream_app: CommandLine, three: Tables, model: QuickModel
) -> None:
    dry = stream_app.run_here(f"{BACKFILL} --limit 2 --dry-run")
    left = "1 left (repeat the command, or raise --limit)"
    assert dry.stdout == f"Dry run: nothing was written. It would be:\narticles: 2 embedded, {left}\n"
    assert three.is_empty()
    assert stream_app.run_here(f"{BACKFILL} --limit 2").stdout == f"articles: 2 embedded, {left}\n"
    assert embedded(three) == ["a", "c"]
    assert stream_app.run_here(f"{BACKFILL} --limit 2").stdout == "articles: 1 embedded, 2 unchanged\n"


def test_texts_are_made_as_told_the_same_is_encoded_once_and_none_is_skipped(
    stream_app: CommandLine, tables: Tables, model: QuickModel
) -> None:
    tables.put_articles(
        *[news(name, at(9), " Kept as it is ") for name in ("alone", "repeated")],
        news("empty", at(9), ""),
    )
    ran = stream_app.run_here(BACKFILL)
    assert ran.stdout == "articles: 2 embedded, 1 without text skipped\n"
    assert model.encoded == [" Kept as it is "]
    first, second = tables.vectors("SELECT vector FROM text_embeddings")
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize(
    ("parts", "text"),
    [(("H", None), "H"), (("H", ""), "H "), ((None, "B"), "B"), (("H ", " B"), "H   B"), (("", "B"), " B")],
)
def test_a_text_is_headline_space_and_body_and_nothing_is_trimmed(
    stream_app: CommandLine, tables: Tables, model: QuickModel, parts: tuple[str | None, str | None], text: str
) -> None:
    headline, body = parts
    tables.put_articles(news("a", at(9), "", body=body))
    tables.fetch("UPDATE news_articles SET headline = $1, content_hash = $2", headline, content_hash(text))
    assert stream_app.run_here(BACKFILL).exit_code == 0
    assert model.encoded == [text]


def test_a_text_that_the_model_refuses_is_listed_and_the_others_go_on(
    stream_app: CommandLine, three: Tables, model: QuickModel
) -> None:
    model.breaking.add("First.")
    three.put_articles(news("wrong", at(10), "Hashed otherwise.", content_hash=b"\x00" * 32))
    ran = stream_app.run_here(BACKFILL)
    assert ran.exit_code == 1
    assert ran.stdout == "articles: 2 embedded, 2 failed\n"
    assert ran.stderr.splitlines() == [
        "wrong: its content_hash is not the sha256 of its text.",
        "a: this model cannot read ['First.'].",
        "Correct these articles and send them again with `stream-app ingest news FILE`.",
    ]
    assert embedded(three) == ["b", "c"]


def test_a_corrected_article_gets_its_new_vector_a_live_one_stays_and_a_retracted_one_is_left_out(
    stream_app: CommandLine, three: Tables, model: QuickModel
) -> None:
    stream_app.run_here(BACKFILL)
    three.put_articles(news("a", at(9), "Corrected."))
    assert stream_app.run_here(BACKFILL).stdout == "articles: 1 embedded, 2 unchanged\n"
    assert model.encoded[-1] == "Corrected."

    three.fetch(AS_LIVE_BEFORE_A_CORRECTION)
    three.fetch(RETRACT)
    before = three.state()
    ran = stream_app.run_here(BACKFILL)
    assert ran.stdout == "articles: 2 live and left as they are\nNothing changed.\n"
    assert three.state() == before


def test_what_is_not_there_is_named_with_what_to_do(stream_app: CommandLine, three: Tables) -> None:
    ran = stream_app.run_here("backfill-text-embeddings --date-range 2024-01-01 2024-01-02 --language fr")
    assert ran.stderr.splitlines() == [
        "No news articles found for language=fr between 2024-01-01 and 2024-01-02.",
        "Send them with `stream-app ingest news FILE`, or choose other days.",
    ]
    assert (ran.exit_code, ran.stdout) == (0, "articles: none\nNothing changed.\n")


def test_a_model_that_cannot_be_loaded_is_exit_code_1_and_only_asked_for_when_needed(
    stream_app: CommandLine, three: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_settings: object) -> TextEncoder:
        raise Fatal("The text model is not there.")

    monkeypatch.setattr(TextEncoder, "load", refuse)
    assert stream_app.run_here(f"{BACKFILL} --dry-run").exit_code == 0
    assert stream_app.run_here(f"{BACKFILL} --language fr").exit_code == 0
    refused = stream_app.run_here(BACKFILL)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == "Error: The text model is not there.\n"


def test_ctrl_c_says_what_to_do_and_what_was_stored_stays(
    stream_app: CommandLine, three: Tables, model: QuickModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "BATCH_ARTICLES", 1)
    embed = model.embed

    def interrupted(tokens: Sequence[list[int]]) -> NDArray[np.float32]:
        if model.encoded:
            os.kill(os.getpid(), signal.SIGINT)
        return embed(tokens)

    monkeypatch.setattr(model, "embed", interrupted)
    ran = stream_app.run_here(BACKFILL)
    assert ran.exit_code == 130
    assert ran.stderr == "Stopped; run the same command again, and it goes on where it was.\n"
    monkeypatch.setattr(model, "embed", embed)
    stored = len(embedded(three))
    assert stored
    assert stream_app.run_here(BACKFILL).exit_code == 0
    assert embedded(three) == ["a", "b", "c"]
    assert stored < 3


def test_another_model_under_a_known_id_is_refused(stream_app: CommandLine, three: Tables, model: QuickModel) -> None:
    three.fetch("INSERT INTO models VALUES ('text-fin-general-v1', 'text', 384, 'another')")
    refused = stream_app.run_here(BACKFILL)
    assert refused.exit_code == 1
    assert "give the changed model an id of its own" in refused.stderr
    assert embedded(three) == []
