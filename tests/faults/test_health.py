"""What a real worker says of itself at `/livez` and `/readyz`: what it waits for, and whether to start it anew."""

import signal

from tests.faults.conftest import StartWorker
from tests.faults.own_services import OwnServices
from tests.integration.pipeline import until

END_SECONDS = 20.0


async def test_a_worker_is_ready_once_its_model_is_loaded_and_while_postgres_answers(
    own_services: OwnServices, start_worker: StartWorker
) -> None:
    with start_worker() as running:
        await running.until_missing(
            lambda missing: "model" in missing.get("news", ()), "the news stage says that its model is being loaded"
        )
        assert await running.dead() == set()
        await running.until_ready()
        await own_services.stop(own_services.postgres)
        await running.until_all_lack("postgres")
        await own_services.launch(own_services.postgres)
        await running.until_ready()
        await running.ends_with_0(signal.SIGINT, END_SECONDS)


async def test_a_worker_with_a_stage_that_stands_still_is_not_alive(start_worker: StartWorker) -> None:
    with start_worker() as running:
        await running.until_ready()
        stopped = running.stage("prices")
        stopped.suspend()

        async def dead() -> bool:
            return await running.dead() == {"prices"}

        async def alive() -> bool:
            return await running.dead() == set()

        await until(dead, "it says that the stage is not alive")
        missing = await running.missing()
        assert missing is not None
        assert "prices" in missing
        stopped.resume()
        await until(alive, "it lives again")
        await running.ends_with_0()
    assert [event for event in running.events() if event["level"] == "ERROR"] == []
