"""An emptied database catches up from the log to what was there, to the bit."""

from schemas.topics import CONTEXTS
from tests.integration.lived import LIVE, TABLES, dump, live_run, settled
from tests.integration.pipeline import Place, until
from tests.integration.text_models import QuickModel


async def test_an_emptied_database_catches_up_to_the_same_contexts_without_encoding_anything_again(
    place: Place, emptied: Place, model: QuickModel
) -> None:
    async with place.pipeline(**LIVE) as path:
        await live_run(path)
        before, encoded = await dump(path), len(model.encoded)
        published = {record.value for record in await path.read(CONTEXTS.name)}

    async with emptied.pipeline(**LIVE) as path:
        assert await path.value("SELECT count(*) FROM ingest_progress") == 0
        path.start("prices", "news", "contexts")

        async def all_triggers_known() -> bool:
            count: int = await path.value("SELECT count(*) FROM day_triggers")
            return count >= len(before["day_triggers"])

        await until(all_triggers_known, "the log's triggers are here again")
        await settled(path)
        await path.stop()
        after = await dump(path)
        published_again = {record.value for record in await path.read(CONTEXTS.name)}

    assert len(model.encoded) == encoded, "nothing may be encoded again"
    for table in TABLES:
        assert before[table], f"{table} must hold something to compare"
        assert after[table] == before[table], table
    assert published_again == published
