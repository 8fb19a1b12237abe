"""A broker and a Postgres of a test's own, which it stops and starts."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stream_app.embedded import Endpoints
from stream_app.embedded.jars import class_path
from stream_app.embedded.kafka import Kafka
from stream_app.embedded.postgres import Postgres
from tests.faults.actions import note
from tests.integration.pipeline import until

CRASH_SECONDS = 10.0
START_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class OwnServices:
    """Both keep their ports from one start to the next."""

    endpoints: Endpoints
    kafka: Kafka
    postgres: Postgres

    async def launch(self, service: Kafka | Postgres) -> None:
        """Start one again."""
        note(f"start {service.name}")
        if isinstance(service, Kafka):
            await asyncio.to_thread(lambda: service.launch(class_path(lambda _: None)))
        else:
            await asyncio.to_thread(service.launch)

    async def until_kafka_answers(self) -> None:
        """Wait until the broker takes requests."""

        async def answers() -> bool:
            return await asyncio.to_thread(self.kafka.answers)

        await until(answers, "Kafka answers", START_SECONDS)

    async def stop(self, service: Kafka | Postgres) -> None:
        """Stop one in good order."""
        note(f"stop {service.name}", outages=1)
        await asyncio.to_thread(service.stop)

    async def crash_postgres(self) -> None:
        """As `pg_ctl stop -m immediate`: every connection is cut, the next start recovers from the log."""
        note("crash Postgres", outages=1)
        await asyncio.to_thread(self.postgres.daemon.end, signal.SIGQUIT, CRASH_SECONDS)

    @contextmanager
    def postgres_hangs(self) -> Iterator[None]:
        """Its connections stay open, and nothing is answered on them until the block ends."""
        server = self.postgres.daemon.process()
        assert server is not None
        processes = [server, *server.children(recursive=True)]
        note("Postgres hangs", outages=1)
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            note("Postgres goes on")
            for process in processes:
                process.resume()

    async def kill_kafka(self) -> None:
        """kill -9."""
        note("kill -9 Kafka", outages=1)
        await asyncio.to_thread(self.kafka.daemon.end, signal.SIGKILL, CRASH_SECONDS)
