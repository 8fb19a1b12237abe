"""Whether workers run, asked of Kafka itself: a stage is at work while its consumer group has members."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient

from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.clients import new_admin
from stream_app.kafka.groups import described, group_id
from stream_app.kafka.outage import kafka_errors

STAGES = ("prices", "news", "contexts")
REQUEST_TIMEOUT_SECONDS = 15.0
STABLE = "Stable"
"""The members of such a group have agreed on who reads what."""


class WorkerWatch:
    """Asks for the stages' consumer groups over one connection."""

    def __init__(self, admin: AIOKafkaAdminClient, topic_prefix: str) -> None:
        self._admin = admin
        self._topic_prefix = topic_prefix

    async def without_members(self) -> list[str]:
        """The stages that no worker runs. A killed worker counts until its session has timed out (10 s)."""
        groups = await self._groups()
        return [stage for stage in STAGES if not groups[stage]["members"]]

    async def ready(self) -> bool:
        """Whether every stage has members and none of them is still being given its partitions."""
        groups = await self._groups()
        return all(group["members"] and group["state"] == STABLE for group in groups.values())

    async def _groups(self) -> dict[str, dict[str, Any]]:
        """Each stage's group as Kafka describes it."""
        return {stage: await self._group(group_id(self._topic_prefix, stage)) for stage in STAGES}

    async def _group(self, name: str) -> dict[str, Any]:
        with kafka_errors(f"asking for the consumer group {name}"):
            return await described(self._admin, name)


@asynccontextmanager
async def watching_workers(kafka: KafkaAccess, topic_prefix: str) -> AsyncIterator[WorkerWatch]:
    """A watch over the stages whose groups have this prefix. Raises Retriable when the broker is away."""
    admin = new_admin(kafka, request_timeout_ms=int(REQUEST_TIMEOUT_SECONDS * 1000))
    try:
        with kafka_errors("connecting to ask for consumer groups"):
            await admin.start()
        yield WorkerWatch(admin, topic_prefix)
    finally:
        await admin.close()
