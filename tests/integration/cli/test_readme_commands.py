"""The README's commands and its Python example, run as they are written."""

import re
import subprocess
import sys

from tests.conftest import stopped_at_the_end
from tests.integration.cli.conftest import CommandLine
from tests.integration.cli.written import ROOT, block, environment_of, run_script

README = (ROOT / "README.md").read_text()


def first_line(code: str, environment: dict[str, str]) -> str:
    """The first line that a program prints; it is ended after that."""
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.kill()
    return line


def test_live_use_and_reading_the_topic_work_as_written(bare: CommandLine) -> None:
    with stopped_at_the_end(bare.folder / ".stream-app"):
        ran = run_script(bare, block(README, "sh", "stream-app up"), "kill %1", "wait %1")
        assert re.search(r"^2008-09-15,US,,joint-regime-core-v1,384,\d+\.\d{6}$", ran.stdout, re.MULTILINE)
        kafka = re.search(r"^Kafka\s+(\S+)", ran.stdout, re.MULTILINE)
        assert kafka
        environment = environment_of(bare) | {"STREAM_APP_KAFKA_URL": kafka[1]}
        line = first_line(block(README, "python", "AIOKafkaConsumer"), environment)
        assert re.match(r"US 2008-09-15 joint-regime-(core-v1|scaled-v2) revision 1 norm \d+\.\d{6}", line)
