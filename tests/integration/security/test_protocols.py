"""Each protocol and each mechanism that the settings know, on a listener that speaks it."""

from collections.abc import Callable

import pytest

from stream_app.config import load_settings
from stream_app.endpoints import find
from stream_app.kafka.offsets import LogReader
from stream_app.kafka.producing import Outgoing
from stream_app.kafka.publisher import Publisher
from stream_app.kafka.topics import ensure_topics
from stream_app.store.database import connect
from tests.integration.cli.conftest import CommandLine
from tests.integration.security.conftest import Secured
from tests.integration.security.services import KAFKA_USER

Given = Callable[[Secured], dict[str, object]]

SPOKEN: dict[str, Given] = {
    "SASL_PLAINTEXT PLAIN": lambda secured: {
        "kafka_url": secured.kafka.servers("CLEAR"),
        "kafka_sasl_mechanism": "PLAIN",
        "kafka_username": KAFKA_USER,
        "kafka_password": secured.kafka.password,
    },
    "SASL_PLAINTEXT SCRAM-SHA-256": lambda secured: {
        "kafka_url": secured.kafka.servers("CLEAR"),
        "kafka_sasl_mechanism": "SCRAM-SHA-256",
        "kafka_username": KAFKA_USER,
        "kafka_password": secured.kafka.password,
    },
    "SSL with a certificate and its key": lambda secured: {
        "kafka_url": secured.kafka.servers("MUTUAL"),
        "kafka_ca_file": secured.certificates.authority,
        "kafka_cert_file": secured.certificates.client.chain,
        "kafka_key_file": secured.certificates.client.key,
    },
    "SSL with both in one file": lambda secured: {
        "kafka_url": secured.kafka.servers("MUTUAL"),
        "kafka_ca_file": secured.certificates.authority,
        "kafka_cert_file": secured.certificates.client.both,
    },
}


@pytest.mark.parametrize("spoken", SPOKEN)
async def test_topics_are_made_written_and_read(secured: Secured, topic_prefix: str, spoken: str) -> None:
    given = SPOKEN[spoken](secured) | {"kafka_security_protocol": spoken.split(maxsplit=1)[0]}
    kafka = find(load_settings(given | {"database_url": "postgresql://h/d"})).kafka
    await ensure_topics(kafka, topic_prefix, 1, 1)
    topic = f"{topic_prefix}prices.closes"
    publisher = Publisher(kafka)
    await publisher.publish([Outgoing(topic, b"key", b"value")])
    await publisher.stop()
    async with LogReader(kafka) as log:
        assert await log.end_offsets(topic) == (1,)
        async for records in log.records(topic, 0, 0, 1):
            assert [record.value for record in records] == [b"value"]


async def test_the_databases_password_may_stand_in_libpqs_file(
    secured: Secured, commands: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = commands.folder / "pgpass"
    file.write_text(f"localhost:{secured.front.port}:*:stream_app:{secured.postgres.password}\n")
    file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(file))
    connection = await connect(secured.front.url(secured.verified))
    assert await connection.fetchval("SELECT current_user") == "stream_app"
    await connection.close()
