"""`stream-app dead-letters`: what could not be used is listed, shown, sent again and discarded."""

import asyncio
import csv
import datetime as dt
import io
import json

import pytest

from schemas import encode
from schemas.topics import DAY_CLOSES, NEWS, PRICES
from tests.integration.cli.conftest import CommandLine
from tests.integration.cli.tables import Tables
from tests.integration.pipeline import Place, close
from tests.integration.steps import stepping
from tests.integration.text_models import QuickModel
from tests.unit.cli.test_letters import PLAIN

ATTACK = b'{"instrument_id": "A", \x1b]0;owned\x07\x1b[2J'
LIST = "SELECT log_offset FROM dead_letters WHERE requeued_at IS NULL AND discarded_at IS NULL ORDER BY 1"


@pytest.fixture
def letters(place: Place, model: QuickModel) -> None:
    """Three letters of prices in one partition, one of news, one of a trigger."""

    async def fill() -> None:
        async with place.pipeline() as path, stepping(path, model) as steps:
            await path.send_raw(PRICES.name, 1, (b"A", ATTACK), (None, b"\xff"), (b"A", None))
            await path.send_raw(NEWS.name, 0, (b"[red]n[/red]", b"no article"))
            await path.send_raw(DAY_CLOSES.name, 0, (b"US", b"no trigger"))
            await steps.apply()

    asyncio.run(fill())


def apply(place: Place, model: QuickModel) -> None:
    """A worker reads what there is."""

    async def work() -> None:
        async with place.pipeline() as path, stepping(path, model) as steps:
            await steps.apply()

    asyncio.run(work())


@pytest.mark.usefixtures("letters")
def test_letters_are_listed_in_each_format(stream_app: CommandLine) -> None:
    table = stream_app.run_here("dead-letters list")
    assert (table.exit_code, table.stderr) == (0, "")
    names = ["prices.closes/1/1/0", "prices.closes/1/1/1", "prices.closes/1/1/2", "news.articles/1/0/0"]
    assert all(name in table.stdout for name in [*names, "regions.day-closes/1/0/0", "not-utf8", "null-value"])
    objects = json.loads(stream_app.run_here("dead-letters list --format json").stdout)
    rows = list(csv.DictReader(io.StringIO(stream_app.run_here("dead-letters list --format csv").stdout)))
    assert [row["name"] for row in rows] == [each["name"] for each in objects]
    assert {each["name"] for each in objects} == {*names, "regions.day-closes/1/0/0"}
    assert {each["state"] for each in objects} == {"waits"}
    assert [each["value_bytes"] for each in objects if each["name"] == names[2]] == [None]


@pytest.mark.usefixtures("letters")
def test_letters_are_chosen_by_reason_topic_and_time_and_bounded_in_number(stream_app: CommandLine) -> None:
    def names(words: str) -> list[str]:
        shown = stream_app.run_here(f"dead-letters list --format json {words}")
        return [each["name"] for each in json.loads(shown.stdout)]

    assert names("--reason null-value --reason not-utf8") == ["prices.closes/1/1/1", "prices.closes/1/1/2"]
    assert names("--topic news.articles") == ["news.articles/1/0/0"]
    assert names("--since 2999-01-01") == names("--until 1999-12-31") == []
    assert len(names("--since 1999-01-01 --until 2999-01-01T00:00:00Z")) == 5
    assert len(names("--limit 2")) == 2
    nothing = stream_app.run_here("dead-letters list --reason nothing")
    assert nothing.stderr == "No dead letter is as you asked.\n"


@pytest.mark.usefixtures("letters")
def test_a_letter_is_shown_whole_and_its_bytes_move_no_terminal(stream_app: CommandLine) -> None:
    shown = stream_app.run_here("dead-letters show prices.closes/1/1/0")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert r'{"instrument_id": "A", \x1b]0;owned\x07\x1b[2J' in shown.stdout
    for form in ("table", "csv", "json"):
        assert PLAIN.fullmatch(stream_app.run_here(f"dead-letters list --format {form}").stdout)
    assert PLAIN.fullmatch(shown.stdout)
    told = json.loads(stream_app.run_here("dead-letters show prices.closes/1/1/0 --format json").stdout)
    assert told["value"] == {"text": ATTACK.decode()}
    assert "[red]n[/red]" in stream_app.run_here("dead-letters show news.articles/1/0/0").stdout
    assert "(base64) /w==" in stream_app.run_here("dead-letters show prices.closes/1/1/1").stdout
    absent = stream_app.run_here("dead-letters show prices.closes/1/1/9")
    assert (absent.exit_code, absent.stderr) == (2, "Error: There is no dead letter prices.closes/1/1/9.\n")


@pytest.mark.usefixtures("letters")
def test_letters_are_sent_again_once_and_what_is_rejected_again_waits(
    stream_app: CommandLine, tables: Tables, place: Place, model: QuickModel
) -> None:
    dry = stream_app.run_here("dead-letters requeue --all --dry-run")
    assert dry.stdout.splitlines()[1:] == [
        "news.articles not-json: 1",
        "prices.closes not-json: 1",
        "prices.closes not-utf8: 1",
        "prices.closes null-value: 1",
        "4 dead letters sent again.",
    ]
    assert len(tables.fetch(LIST)) == 5
    named = stream_app.run_here("dead-letters requeue prices.closes/1/1/0 prices.closes/1/1/1")
    assert (named.exit_code, named.stdout.splitlines()[-1]) == (0, "2 dead letters sent again.")
    rest = stream_app.run_here("dead-letters requeue --all")
    assert rest.stdout.splitlines()[-1] == "2 dead letters sent again."
    again = stream_app.run_here("dead-letters requeue --all")
    assert (again.exit_code, again.stdout, again.stderr) == (0, "", "No dead letter is as you asked.\n")
    apply(place, model)
    listed = json.loads(stream_app.run_here("dead-letters list --format json --topic prices.closes").stdout)
    assert [each["name"] for each in listed] == [f"prices.closes/1/1/{offset}" for offset in (3, 4, 5)]
    assert "first stood at: prices.closes/1/1/0" in stream_app.run_here("dead-letters show prices.closes/1/1/3").stdout
    states = json.loads(stream_app.run_here("dead-letters list --handled --format json").stdout)
    assert {each["state"] for each in states if each["name"].endswith(("/1/0", "/1/1", "/1/2"))} == {"requeued"}


@pytest.mark.usefixtures("letters")
def test_letters_that_are_discarded_wait_no_longer(stream_app: CommandLine, tables: Tables) -> None:
    dry = stream_app.run_here("dead-letters discard --topic prices.closes --dry-run")
    assert dry.stdout.splitlines()[-1] == "3 dead letters discarded."
    assert len(tables.fetch(LIST)) == 5
    done = stream_app.run_here("dead-letters discard --topic prices.closes")
    assert (done.exit_code, done.stdout) == (0, "3 dead letters discarded.\n")
    assert len(tables.fetch(LIST)) == 2
    assert stream_app.run_here("dead-letters requeue --topic prices.closes").stdout == ""
    named = stream_app.run_here("dead-letters discard prices.closes/1/1/0")
    assert (named.exit_code, named.stdout) == (0, "0 dead letters discarded.\n")
    assert "prices.closes/1/1/0 was discarded before: nothing is done with it." in named.stderr
    unknown = stream_app.run_here("dead-letters requeue prices.closes/1/1/999")
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert "There is no dead letter prices.closes/1/1/999." in unknown.stderr
    again = stream_app.run_here("dead-letters requeue --again --reason null-value")
    assert again.stdout.splitlines()[-1] == "1 dead letters sent again."


def test_a_database_of_another_release_is_refused(stream_app: CommandLine, tables: Tables) -> None:
    tables.fetch("UPDATE alembic_version SET version_num = '0002'")
    for words in ("list", "show prices.closes/1/0/0", "requeue --all", "discard --all"):
        refused = stream_app.run_here(f"dead-letters {words}")
        assert refused.exit_code == 1
        assert "run `stream-app db upgrade`" in refused.stderr


def test_what_was_good_is_no_letter(stream_app: CommandLine, place: Place, model: QuickModel) -> None:
    async def fill() -> None:
        async with place.pipeline() as path:
            await path.send_raw(PRICES.name, 0, (b"A", encode(close("A", dt.date(2008, 9, 15), 1.0))))

    asyncio.run(fill())
    apply(place, model)
    assert stream_app.run_here("dead-letters show prices.closes/1/0/0").exit_code == 2
