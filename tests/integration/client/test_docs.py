"""The Python of docs/client.md runs as it is written, one block after the other, as in a notebook."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from tests.integration.pipeline import Place
from tests.integration.positions.history import DAYS, SETTINGS, live
from tests.integration.steps import stepping
from tests.integration.text_models import QuickModel

PAGE = Path(__file__).parents[3] / "docs" / "client.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


async def test_the_blocks_of_the_page_run_in_their_order(
    place: Place,
    model: QuickModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with place.pipeline(**SETTINGS) as path, stepping(path, model) as steps:
        await live(path, steps)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STREAM_APP_KAFKA_URL", place.endpoints.kafka.servers)
    monkeypatch.setenv("STREAM_APP_DATABASE_URL", place.database_url)
    monkeypatch.setenv("STREAM_APP_TOPIC_PREFIX", place.topic_prefix)
    names: dict[str, Any] = {}
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    await asyncio.to_thread(exec, "".join(blocks), names)
    assert names["days"].vectors.shape == (len(DAYS), 384)
    assert len(names["then"]) == 0, "all of it became known today"
    printed = capsys.readouterr().out
    assert f"{DAYS[0]} 1 True\n{DAYS[1]} 1 True" in printed
