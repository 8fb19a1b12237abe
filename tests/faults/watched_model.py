"""The real text model of a worker process, watched and put out of order through torch's own hooks.

As a module that a worker process runs, it is the command `stream-app` whose forward passes are written down and fail or
hang while a test wants that. `WatchedModel` is the test's side of it.
"""

import json
import os
import runpy
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from stream_app.config import load_settings
from stream_app.models import models_in_use
from tests.faults.actions import note
from tests.faults.command_process import MODULE
from tests.faults.text_model import SHORT_WORD

FOLDER = "FAULTS_MODEL_FOLDER"
PASSES, HANGS, FAILS = "passes", "hangs", "fails"
LOST = "the device is lost"
SHORT = 100
POLL_SECONDS = 0.05
PAD = 0
Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pass:
    """A forward pass that a process began: of which texts, by their token ids, and when (monotonic)."""

    pid: int
    texts: tuple[Tokens, ...]
    hung: bool
    at_seconds: float


class WatchedModel:
    """The model of every worker process that is run with `environment`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def environment(self) -> Mapping[str, str]:
        """What a worker process needs beside its settings."""
        return {MODULE: "tests.faults.watched_model", FOLDER: str(self._folder)}

    def passes(self) -> list[Pass]:
        """Every forward pass so far."""
        path = self._folder / PASSES
        lines = path.read_bytes().rpartition(b"\n")[0].splitlines() if path.exists() else []
        return [
            Pass(told["pid"], tuple(map(tuple, told["texts"])), told["hung"], told["at_seconds"])
            for told in map(json.loads, lines)
        ]

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """No forward pass that begins in the block ends before it."""
        with self._while(HANGS):
            yield

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Every forward pass raises."""
        with self._while(FAILS):
            yield

    @contextmanager
    def _while(self, name: str) -> Iterator[None]:
        path = self._folder / name
        path.touch()
        note(f"the model {name}")
        try:
            yield
        finally:
            path.unlink()
            note(f"the model no longer {name}")


def watch(folder: Path, short_id: int) -> None:
    """Watch the transformer in this process, whenever it is loaded; a text with this token gets a short vector."""
    torch, transformers = import_module("torch"), import_module("transformers")

    def after(module: Any, _args: Any, given: Mapping[str, Any], output: Any) -> Any:
        if not isinstance(module, transformers.BertModel):
            return output
        texts = [[number for number in row if number != PAD] for row in given["input_ids"].tolist()]
        _write_down(folder, texts)
        while (folder / HANGS).exists():
            time.sleep(POLL_SECONDS)
        if (folder / FAILS).exists():
            raise RuntimeError(LOST)
        if any(short_id in text for text in texts):
            output.last_hidden_state = output.last_hidden_state[..., :SHORT]
        return output

    torch.nn.modules.module.register_module_forward_hook(after, with_kwargs=True)


def _write_down(folder: Path, texts: list[list[int]]) -> None:
    hung = (folder / HANGS).exists()
    told = {"pid": os.getpid(), "texts": texts, "hung": hung, "at_seconds": time.monotonic()}
    with (folder / PASSES).open("ab", buffering=0) as file:  # whole lines, also from threads at once
        file.write(json.dumps(told).encode() + b"\n")


def main() -> None:
    """Watch the model, and be the command `stream-app`."""
    source = models_in_use(load_settings()).text.spec.source
    assert source is not None
    words = (Path(source) / "vocab.txt").read_text(encoding="utf-8").splitlines()
    watch(Path(os.environ[FOLDER]), words.index(SHORT_WORD))
    runpy.run_module("stream_app", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
