"""Records that come after newer versions of theirs were stored change nothing."""

from agents.text_refill import refill_text_vectors
from tests.integration.lived import DAYS, LIVE, dump, first_records, late_records
from tests.integration.pipeline import Place
from tests.integration.steps import Steps, stepping
from tests.integration.text_models import QuickModel


async def apply_last_partition_first(steps: Steps) -> None:
    """Each stage's chunks, every partition in its own order, the partitions in the opposite one."""
    for stage in (steps.triggers, steps.news, steps.prices):
        chunks = [chunk async for chunk in steps.chunks(stage)]
        assert {chunk.partition for chunk in chunks} == {0, 1} or stage is steps.triggers
        for chunk in sorted(chunks, key=lambda chunk: (-chunk.partition, chunk.first_offset)):
            await stage.handle(chunk)


async def test_originals_that_come_after_their_corrections_change_nothing(
    place: Place, emptied: Place, model: QuickModel
) -> None:
    async with place.pipeline(**LIVE) as path, stepping(path, model) as steps:
        await path.send_to(0, *first_records())
        for record in late_records():
            await path.send_to(1, record)
        await steps.apply()
        await path.close("US", *DAYS)
        await steps.compute()
        before = await dump(path)
        assert before["prices_history"]
        assert before["news_history"]
    async with emptied.pipeline(**LIVE) as path, stepping(path, model) as steps:
        await refill_text_vectors(path.services)
        await apply_last_partition_first(steps)
        await steps.compute()
        after = await dump(path)
        for table, rows in before.items():
            assert after[table] == rows, table
