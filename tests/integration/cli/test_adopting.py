"""`log adopt` as a person runs it."""

import asyncio
from dataclasses import replace

from schemas.topics import PRICES
from tests.integration.cli.conftest import CommandLine
from tests.integration.pipeline import Place
from tests.integration.positions.broken_logs import lose, recreate
from tests.integration.positions.history import SETTINGS, live, prices
from tests.integration.steps import stepping
from tests.integration.text_models import QuickModel

NOTHING = "Every topic is the log that this database was filled from, and holds what is to be read: nothing to do.\n"


async def with_another_log(place: Place, model: QuickModel) -> str:
    """The prices' topic was recreated; its name."""
    async with place.pipeline(**SETTINGS) as path:
        async with stepping(path, model) as steps:
            await live(path, steps)
        await recreate(path, PRICES.name)
        return path.services.topic(PRICES.name)


async def with_lost_records(place: Place, model: QuickModel) -> None:
    """Two closes were deleted before they were applied."""
    async with place.pipeline(**SETTINGS) as path, stepping(path, model) as steps:
        await path.send_to(0, *prices()[:2])
        await steps.apply()
        await path.send_to(0, *prices()[2:])
        await lose(path, PRICES.name, 0, below=4)


def test_a_log_is_adopted_in_two_steps_and_then_there_is_nothing_to_do(
    stream_app: CommandLine, place: Place, model: QuickModel
) -> None:
    topic = asyncio.run(with_another_log(place, model))
    asked = stream_app.run_here("log adopt")
    assert asked.exit_code == 1
    told = asked.stdout.splitlines()
    assert " ends at offset 0, but this database has applied it up to 8: the topic was recreated" in told[0]
    assert told[1:] == [
        f"  {topic} becomes epoch 2 and is read from its start: partition 0 at 0, 1 at 0.",
        "  What was applied of the old log stays, as older than anything in the new one.",
    ]
    assert asked.stderr == "Nothing was changed: stop the workers and repeat this with --yes.\n"
    assert stream_app.run_here("log adopt").stdout == asked.stdout, "nothing was changed"
    done = stream_app.run_here("log adopt --yes")
    assert (done.exit_code, done.stdout, done.stderr) == (0, asked.stdout, "Done. Start the workers.\n")
    again = stream_app.run_here("log adopt --yes")
    assert (again.exit_code, again.stdout, again.stderr) == (0, NOTHING, "")


def test_lost_records_are_named_and_noted(stream_app: CommandLine, place: Place, model: QuickModel) -> None:
    asyncio.run(with_lost_records(place, model))
    done = stream_app.run_here("log adopt --yes")
    assert done.exit_code == 0
    assert "Offsets 2 to 3 of " in done.stdout
    assert stream_app.run_here("log adopt").stdout == NOTHING


def test_without_yes_a_mistyped_prefix_makes_no_topics(stream_app: CommandLine, place: Place) -> None:
    prefix = f"{place.topic_prefix}mistyped."
    mistyped = replace(stream_app, environment=stream_app.environment | {"STREAM_APP_TOPIC_PREFIX": prefix})
    for _ in range(2):
        refused = mistyped.run_here("log adopt")
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert f"The broker lacks {prefix}dead-letters and " in refused.stderr
