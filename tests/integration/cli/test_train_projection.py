"""`train projection`: a text model of 512 numbers runs once its projection is fitted, as the printed table names it."""

import asyncio
import datetime as dt
from collections.abc import Sequence

import pytest

from stream_app.encoding import TextEncoder
from stream_app.models import load_registry
from stream_app.training.text_projection import ProjectionFit
from tests.integration.cli.conftest import CommandLine
from tests.integration.cli.tables import Tables, news
from tests.tiny_models import tiny_bert

TEXTS = [
    f"{subject} {verb} by {n} percent." for subject in ("Oil", "Gold") for verb in ("rose", "fell") for n in range(220)
]
DAY = dt.datetime(2025, 1, 31, 12, tzinfo=dt.UTC)


def never_beside_an_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where texts are embedded in the thread of an event loop, which then serves nobody."""
    add = ProjectionFit.add

    def add_without_loop(self: ProjectionFit, texts: Sequence[str]) -> None:
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        add(self, texts)

    monkeypatch.setattr(ProjectionFit, "add", add_without_loop)


def test_the_table_that_is_printed_names_a_model_that_runs(bare: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    never_beside_an_event_loop(monkeypatch)
    tiny_bert(bare.folder / "large", 512)
    (bare.folder / "texts").write_text("\n".join(TEXTS))
    bare.environment["STREAM_APP_TEXT_DEVICE"] = "cpu"
    words = "train projection --text-model large --texts texts --name large-384 --output fitted"
    ran = bare.run_here(words)
    assert ran.exit_code == 0, ran.stderr
    assert sorted(path.name for path in (bare.folder / "fitted").iterdir()) == ["large-384.md", "large-384.safetensors"]
    assert "It was fitted on 792 texts" in (bare.folder / "fitted" / "large-384.md").read_text()
    (bare.folder / "models.toml").write_text(ran.stdout)
    spec = load_registry(bare.folder / "models.toml").text("MY-TEXT-MODEL").spec
    encoder = TextEncoder.load(spec, 1024, 60.0, "cpu")
    try:
        assert asyncio.run(encoder.encode(TEXTS[:3])).vectors.shape == (3, 384)
    finally:
        encoder.close()


def test_too_few_stored_texts_are_refused(stream_app: CommandLine, tables: Tables) -> None:
    tiny_bert(stream_app.folder / "large", 512)
    tables.put_articles(*[news(f"{n}", DAY, TEXTS[n // 2]) for n in range(20)])
    ran = stream_app.run_here("train projection --text-model large")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "There are 10 texts, of which 9 are fitted on: a projection needs 768." in ran.stderr
