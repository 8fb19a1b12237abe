"""What a release before this one left behind, put back."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from stream_app.embedded import Endpoints
from tests.conftest import created_database
from tests.integration.cli.conftest import CommandLine, without_settings
from tests.integration.pipeline import Place
from tests.integration.text_models import QuickModel
from tests.integration.upgrade.dump import Dump
from tests.integration.upgrade.restore import restore_database, restored_log

TEXT_FINGERPRINTS = {"0.1.0": "quick-model-1"}
"""By what each release's database knows the text model that it was made with."""


@pytest.fixture
def model(model: QuickModel, dump: Dump) -> QuickModel:
    """The text model that the release ran with."""
    model.fingerprint = TEXT_FINGERPRINTS[dump.release]
    return model


@pytest.fixture(params=["0.1.0"])
def dump(request: pytest.FixtureRequest) -> Dump:
    """Each release that this one can be installed over."""
    return Dump(request.param)


@pytest.fixture
def old_database(endpoints: Endpoints, unique_name: str, dump: Dump) -> Iterator[str]:
    """The release's database, not upgraded, dropped at the end."""
    with created_database(endpoints, unique_name) as url:
        restore_database(dump, url)
        yield url


@pytest.fixture
def command_line(tmp_path: Path, endpoints: Endpoints, old_database: str, dump: Dump) -> CommandLine:
    """Commands on the release's database and topics."""
    bare = without_settings(tmp_path)
    settings = {
        "STREAM_APP_KAFKA_URL": endpoints.kafka.servers,
        "STREAM_APP_DATABASE_URL": old_database,
        "STREAM_APP_TOPIC_PREFIX": dump.topic_prefix,
        "STREAM_APP_REGIONS": str(dump.regions),
    }
    return CommandLine(bare.folder, bare.environment | settings)


@pytest.fixture
async def upgraded(command_line: CommandLine, endpoints: Endpoints, dump: Dump) -> AsyncIterator[Place]:
    """The release's log, and its database after `stream-app db upgrade`."""
    done = command_line.run("db upgrade")
    assert (done.returncode, done.stderr) == (0, "")
    async with restored_log(dump, endpoints.kafka.servers):
        yield Place(endpoints, command_line.environment["STREAM_APP_DATABASE_URL"], dump.topic_prefix)
