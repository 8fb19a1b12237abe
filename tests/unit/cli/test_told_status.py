"""How the status reads: in 80 columns, and as an object."""

import datetime as dt
import json
from typing import Any

from rich.console import Console

from stream_app.cli.told_status import Status, as_json, as_sections, on_a_screen
from stream_app.config import Settings
from stream_app.kafka.access import KafkaAccess
from stream_app.status.facts import CountedLetters, PartitionFacts, RegionState, Unanswered, Waiting, WaitsFor
from stream_app.status.looking import Places
from stream_app.store.progress import Behind
from tests.unit.status.facts import CLOSED_AT, MONDAY, ago, pipeline, region, stage, stored

SETTINGS = Settings.model_validate({"kafka_url": "kafka.example.org:9092"})
PLACES = Places(KafkaAccess("kafka.example.org:9092"), "postgresql://me:s3cr3t@db.example.org:5432/stream_app")
WAITING = Waiting(
    WaitsFor.RECORDS,
    MONDAY,
    1,
    3,
    ago(minutes=1),
    behind=[Behind("prices.closes", number, 1_200, 13_000) for number in range(4)],
)
NEVER_SEEN = [PartitionFacts(0, 0, None, None), PartitionFacts(1, 10, None, None, 5.0)]


def status(places: Places = PLACES, **given: Any) -> Status:
    """A status of a pipeline that is well but for this."""
    return Status.of(pipeline(**given), places, SETTINGS)


def shown(of: Status) -> list[str]:
    """The lines on a terminal of 80 columns, without what is right of the last word."""
    console = Console(width=80, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(as_sections(of))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_all_is_well_at_a_glance() -> None:
    lines = shown(status())
    assert lines[0] == "stream-app at 2008-09-15 21:00:00 UTC: all well"
    assert "Problems" not in lines
    assert "Kafka     answers  your own  kafka.example.org:9092" in lines
    assert "prices    prices.closes             1    0  5 s ago" in lines
    assert "US      closed  2008-09-15   2008-09-16 20:15" in lines
    assert "US      2008-09-15  joint     1  yes     2008-09-15 20:15" in lines
    assert "s3cr3t" not in "\n".join(lines)


def test_what_is_wrong_comes_first_with_what_to_do() -> None:
    lines = shown(status(stored=stored(letters=[CountedLetters("prices.closes", "not-json", 3)])))
    assert lines[0].endswith("1 problem")
    assert lines[2:5] == [
        "Problems",
        "!  3 dead letters wait: prices.closes not-json 3.",
        "   `stream-app dead-letters list` shows them; requeue or discard them.",
    ]


def test_a_closing_day_says_what_it_waits_for_within_80_columns() -> None:
    us = region(state=RegionState.CLOSING, waiting=[WAITING], to_amend=2)
    lines = shown(status(stored=stored(regions=[us])))
    start = next(number for number, line in enumerate(lines) if line.startswith("US      closing"))
    told = " ".join(" ".join(lines[start:]).split()).split(" Last contexts")[0]
    assert told.endswith(
        "2008-09-15 and 2 more wait for prices.closes[0] at 1,200 of 13,000, prices.closes[1] at 1,200 of 13,000, "
        "prices.closes[2] at 1,200 of 13,000 and 1 more; 2 days touched since, to be amended"
    )


def test_the_lag_names_its_partition() -> None:
    behind = [PartitionFacts(0, 10, 0, 10, 5.0), PartitionFacts(1, 7, 0, 1010, 5.0)]
    assert "1,003 in [1]" in "\n".join(shown(status(stages=[stage("prices", partitions=behind)])))
    both = [PartitionFacts(0, 9, 0, 10), PartitionFacts(1, 9, 0, 10)]
    assert "2 in 2 of 2" in "\n".join(shown(status(stages=[stage("prices", partitions=both)])))


def test_what_only_an_absent_service_knows_is_a_question_mark_or_left_out() -> None:
    gone = Unanswered("Kafka is not running.", away=False)
    unread = [stage("prices", members=None, partitions=NEVER_SEEN)]
    lines = shown(status(Places(gone, PLACES.database_url), kafka=gone, stages=unread))
    assert "Kafka     does not run  your own  -" in lines
    assert "prices  prices.closes        ?    ?  5 s ago" in lines
    without = shown(status(postgres=Unanswered("Gone.", away=True), stored=None))
    assert any(line.startswith("Postgres  does not answer") for line in without)
    assert not {"Regions", "Last contexts", "Models in use"} & set(without)


def test_no_line_is_wider_than_the_terminal() -> None:
    us = region(state=RegionState.CLOSING, waiting=[WAITING], to_amend=2)
    lines = shown(status(stored=stored(regions=[us]), stages=[stage("prices", members=0)]))
    assert max(map(len, lines)) <= 80


def test_a_screen_that_is_too_small_says_how_much_it_leaves_out() -> None:
    whole = shown(status())
    for height, last in ((len(whole), whole[-1]), (10, f"… {len(whole) - 9} lines more: make the window taller.")):
        console = Console(width=80, height=height, force_terminal=False, highlight=False)
        with console.capture() as capture:
            console.print(on_a_screen(console, status()), end="")
        lines = [line.rstrip() for line in capture.get().splitlines()]
        assert (len(lines), lines[0], lines[-1]) == (height, whole[0], last)


def test_machines_get_an_object_on_a_line() -> None:
    us = region(state=RegionState.CLOSING, waiting=[WAITING])
    line = as_json(status(stored=stored(regions=[us]), stages=[stage("prices", members=0)]))
    assert "\n" not in line
    told = json.loads(line)
    assert (told["well"], [problem["code"] for problem in told["problems"]]) == (False, ["no-worker"])
    (of_us,) = told["regions"]
    assert (of_us["state"], of_us["last_closed"]["as_of"]) == ("closing", "2008-09-15")
    (waiting,) = of_us["waiting"]
    assert (waiting["waits_for"], waiting["days"], waiting["behind"][0]["until"]) == ("records", 3, 13_000)
    assert dt.datetime.fromisoformat(of_us["next_close"]) == CLOSED_AT + dt.timedelta(days=1)
    assert told["stages"][0]["lag"] == 0
    assert told["services"][1]["where"] == "postgresql://me:***@db.example.org:5432/stream_app"


def test_machines_get_null_for_what_is_not_known() -> None:
    told = json.loads(as_json(status(postgres=Unanswered("Gone.", away=True), stored=None)))
    assert (told["regions"], told["contexts"], told["dead_letters"]) == (None, None, None)
    assert told["services"][1] | {"where": None} == {
        "service": "Postgres",
        "embedded": True,
        "where": None,
        "usable": False,
        "why_not": "Gone.",
    }
