"""What counts as a problem, and that each says what to do."""

import datetime as dt
from typing import Any

import pytest

from schemas import Definition
from schemas.topics import TOPICS
from stream_app.config import Settings
from stream_app.positions.findings import gone_partition
from stream_app.status.facts import CountedLetters, ModelFacts, PartitionFacts, Unanswered, Waiting, WaitsFor
from stream_app.status.problems import Problem, ProblemCode, problems
from stream_app.store.definitions import OtherDefinition
from stream_app.store.progress import Behind, Progress
from stream_app.store.standing import Unpublished
from tests.unit.status.facts import CLOSED_AT, FRIDAY, MONDAY, NOW, ago, pipeline, region, stage, stored

SETTINGS = Settings()
US = Definition(calendar="XNYS", instruments=("SPX.US",), languages=("EN",), news="all", news_day="session")
TAGGED = Definition(calendar="XNYS", instruments=("SPX.US",), languages=("EN",), news="tagged", news_day="session")
GONE = gone_partition(Progress("prices.closes", 3, 1, 17, None, 0, None, 0), 2)
BEHIND = [PartitionFacts(0, 5, 0, 10, 300.0, ago(minutes=5)), PartitionFacts(1, 8, 0, 10, 90.0, ago(minutes=2))]


def waits(waits_for: WaitsFor, since: dt.datetime, **more: Any) -> dict[str, Any]:
    """A stored state in which the Monday of the United States waits."""
    waiting = Waiting(waits_for, MONDAY, 1, 1, since, **more)
    return {"stored": stored(regions=[region(waiting=[waiting])])}


def found(**given: Any) -> list[Problem]:
    """The problems of a pipeline that is well but for this."""
    return problems(pipeline(**given), SETTINGS)


def test_where_all_is_well_there_is_no_problem() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("given", "code", "told", "todo"),
    [
        ({"kafka": Unanswered("Kafka: gone.", True)}, ProblemCode.KAFKA, "Kafka: gone.", "`stream-app up`"),
        ({"postgres": Unanswered("Gone.", True), "stored": None}, ProblemCode.POSTGRES, "Gone.", "database_url name"),
        (
            {"missing_topics": ["news.articles"]},
            ProblemCode.TOPICS,
            "lacks news.articles, without a",
            "stream-app work",
        ),
        ({"missing_topics": [t.name for t in TOPICS]}, ProblemCode.TOPICS, "has no topic of stream-app", "prefix"),
        ({"logs": [GONE]}, ProblemCode.LOG, "prices.closes[3] is gone", "`stream-app log adopt`"),
        ({"stages": [stage("news", members=0), stage("prices")]}, ProblemCode.NO_WORKER, "the news stage: 0", "worker"),
        ({"stages": [stage("prices", partitions=BEHIND)]}, ProblemCode.STILL, "[0] stands still: its next", "log says"),
        (waits(WaitsFor.CLOSER, ago(minutes=45)), ProblemCode.OVERDUE, "US: 2008-09-15 is to be closed", "contexts"),
        (waits(WaitsFor.CUT, ago(minutes=11)), ProblemCode.OVERDUE, "waits for the ends of", "contexts"),
        (waits(WaitsFor.LOG, ago(minutes=11)), ProblemCode.OVERDUE, "to be read back", "contexts"),
        (waits(WaitsFor.COMPUTING, ago(minutes=11)), ProblemCode.OVERDUE, "to be computed by a worker", "contexts"),
        (waits(WaitsFor.PRICE, ago(hours=13), until=ago(minutes=11)), ProblemCode.OVERDUE, "for a price", "contexts"),
        (
            {"stored": stored(letters=[CountedLetters("prices.closes", "not-json", 1200)])},
            ProblemCode.LETTERS,
            "1,200 dead letters wait: prices.closes not-json 1,200.",
            "`stream-app dead-letters list`",
        ),
        (
            {"stored": stored(unpublished=[Unpublished("contexts", 3, 7200.0)])},
            ProblemCode.UNPUBLISHED,
            "3 contexts are not on their topic, the oldest for 2 h.",
            "every 10 s",
        ),
        (
            {"stored": stored(other_definitions=[OtherDefinition("US", US, TAGGED, [FRIDAY, MONDAY])])},
            ProblemCode.DEFINITION,
            "US: 2 days from 2008-09-12 to 2008-09-15 computed under another definition: news all is now tagged.",
            "`stream-app replay --recompute`",
        ),
        (
            {"stored": stored(other_definitions=[OtherDefinition("EU", US, None, [FRIDAY])])},
            ProblemCode.DEFINITION,
            "EU: 2008-09-12 computed; the region is no longer in the regions file.",
            "Put it back",
        ),
        (
            {"stored": stored(models=[ModelFacts("joint", "joint", True, changed=True)])},
            ProblemCode.MODEL_CHANGED,
            "The joint model joint is not the one",
            "`stream-app models check`",
        ),
        (
            {"stored": stored(models=[ModelFacts("joint", "joint", True, days_without=1)])},
            ProblemCode.MODEL_LACKING,
            "1 day were",
            "`stream-app replay`",
        ),
        ({"stored": stored(replay_unfinished=True)}, ProblemCode.REPLAY, "has not finished", "`stream-app replay`"),
        ({"stored": stored(regions=[region(next_close=None)])}, ProblemCode.CALENDAR, "of US has no", "calendar_end"),
    ],
    ids=lambda value: str(value) if isinstance(value, ProblemCode) else "",
)
def test_each_problem_is_told_with_what_to_do(given: dict[str, Any], code: ProblemCode, told: str, todo: str) -> None:
    (problem,) = found(**given)
    assert problem.code is code
    assert told in problem.sentence
    assert problem.todo is not None
    assert todo in problem.todo


@pytest.mark.parametrize(
    "given",
    [
        {"stages": [stage("prices", partitions=[PartitionFacts(0, 5, 0, 10, 300.0, None)])]},
        {"stages": [stage("prices", partitions=[PartitionFacts(0, 5, 0, 10, 300.0, ago(seconds=10))])]},
        waits(WaitsFor.CLOSER, ago(seconds=30)),
        waits(WaitsFor.COMPUTING, ago(seconds=30)),
        waits(WaitsFor.PRICE, CLOSED_AT, until=NOW + dt.timedelta(hours=11)),
        waits(WaitsFor.RECORDS, ago(hours=5), behind=[Behind("prices.closes", 0, 5, 10)]),
    ],
    ids=["only-behind", "only-just-come", "due-now", "computed-now", "price-may-come", "records-are-being-applied"],
)
def test_what_takes_its_time_is_no_problem(given: dict[str, Any]) -> None:
    assert found(**given) == []


def test_without_a_worker_its_waiting_days_are_not_told_one_by_one() -> None:
    stages = [stage("prices", members=0), stage("news", members=0), stage("contexts", members=0)]
    (problem,) = found(stages=stages, **waits(WaitsFor.CLOSER, ago(days=1)))
    assert problem.sentence == "No worker runs: 0 records wait; no day closes by itself."


def test_how_many_records_wait_is_not_told_where_postgres_does_not_say_what_is_applied() -> None:
    unknown = stage("prices", members=0, partitions=[PartitionFacts(0, None, 0, 9_320)])
    assert unknown.lag is None
    (problem,) = found(stages=[unknown, stage("news"), stage("contexts")])
    assert problem.sentence == "No worker runs the prices stage."


def test_a_service_that_is_up_and_cannot_be_used_says_itself_what_to_do() -> None:
    (problem,) = found(postgres=Unanswered("Run `stream-app db upgrade`.", False), stored=None)
    assert (problem.sentence, problem.todo) == ("Run `stream-app db upgrade`.", None)


def test_commands_name_the_data_folder_where_it_is_not_the_usual_one() -> None:
    elsewhere = Settings.model_validate({"data_dir": "/srv/data"})
    (problem,) = problems(pipeline(stored=stored(replay_unfinished=True)), elsewhere)
    assert problem.todo is not None
    assert "`stream-app --data-dir /srv/data replay`" in problem.todo
