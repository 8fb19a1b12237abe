"""The worker's processes are the product's own."""

from pathlib import Path

import pytest

from stream_app.health import Crew
from stream_app.supervisor import supervise

ROOT = Path(__file__).parents[2]


async def test_a_stage_is_the_products_whatever_lies_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for package in ("stream_app", "agents", "schemas", "migrations"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise SystemExit('somebody else\\'s package')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    await supervise({"prices": ["--version", "worker"]}, {}, Crew(["prices"], 30.0))
    said = capfd.readouterr()
    assert said.out.startswith("stream-app ")
    assert said.err == ""
