"""`stream-app demo` as a newcomer runs it, and what is left when it is interrupted or fails."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from stream_app import embedded
from tests.faults.workers import STAGES
from tests.integration.installed import Installed, bare_environment
from tests.integration.pipeline import until
from tests.models_file import write_models

DEMO_SECONDS = 600
PNG = b"\x89PNG\r\n\x1a\n"

pytestmark = pytest.mark.timeout(DEMO_SECONDS)


def left_running(data_dir: Path) -> list[str]:
    """The command lines of processes that name the folder, as all do but a worker's stages."""
    lines = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return [" ".join(line) for line in lines if any(str(data_dir) in word for word in line)]


@contextmanager
def running(
    words: Sequence[str | Path], data_dir: Path, folder: Path | None, environment: dict[str, str]
) -> Iterator["subprocess.Popen[str]"]:
    """A demo under way in a folder (none: this one). Whatever a failing test leaves is stopped."""
    with subprocess.Popen(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            embedded.stop(data_dir / "demo")


def demo(data_dir: Path, **environment: str) -> AbstractContextManager["subprocess.Popen[str]"]:
    """A demo of the tree."""
    words = [sys.executable, "-m", "stream_app", "--data-dir", str(data_dir), "demo"]
    return running(words, data_dir, None, os.environ | environment)


def test_the_wheels_demo_shows_stores_and_draws_in_an_empty_folder_and_stops_everything(
    installed: Installed, tmp_path: Path
) -> None:
    with running([installed.program, "demo"], tmp_path / ".stream-app", tmp_path, bare_environment()) as process:
        said, complained = process.communicate()
    folder = tmp_path / ".stream-app" / "demo"
    assert process.returncode == 0, complained
    assert "The last contexts" in said
    assert "no-news" in said
    assert "Days most alike to 2008-09-15 in US" in said
    assert "Lehman" in said
    assert (folder / "chart.png").read_bytes().startswith(PNG)
    assert f"{installed.program} --data-dir .stream-app/demo up --detach" in said
    assert left_running(tmp_path) == []
    _check_what_it_left(installed, tmp_path)


def _check_what_it_left(installed: Installed, folder: Path) -> None:
    """Its contexts are there when its services run again, as the demo's last words say."""
    program = (installed.program, "--data-dir", ".stream-app/demo")
    installed.run(folder, *program, "up", "--detach")
    try:
        shown = installed.run(folder, *program, "show", "--region=US", "--start=2008-09-15", "--end=2008-09-17")
    finally:
        installed.run(folder, *program, "down")
    assert [line[:13] for line in shown.stdout.splitlines()[1:]] == ["2008-09-15,US", "2008-09-16,US", "2008-09-17,US"]


def stages_of(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """The stages of the demo's worker that run now."""
    assert process.poll() is None, "the demo has ended"
    below = psutil.Process(process.pid).children(recursive=True)
    with suppress(psutil.NoSuchProcess):
        return [child for child in below if "--stage" in child.cmdline()]
    return []


async def test_ctrl_c_in_the_middle_leaves_nothing_running(tmp_path: Path) -> None:
    async def stages_run() -> bool:
        return len(stages_of(process)) == len(STAGES)

    with demo(tmp_path) as process:
        await until(stages_run, "the worker's stages run", DEMO_SECONDS)
        stages = stages_of(process)
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate()
    assert (process.returncode, said) == (130, "")
    assert "Stopping what was started" in complained
    assert "Traceback" not in complained
    assert left_running(tmp_path) == []
    assert [stage for stage in stages if stage.is_running()] == []


def test_a_worker_that_fails_ends_the_demo_with_the_end_of_its_log(tmp_path: Path) -> None:
    models = write_models(tmp_path, text_model=tmp_path / "no-model")
    with demo(tmp_path, STREAM_APP_MODELS_FILE=str(models)) as process:
        said, complained = process.communicate()
    assert (process.returncode, said) == (1, "")
    assert "Error: The worker ended with code 1 before it was ready." in complained
    assert "The last lines of" in complained
    assert "no-model" in complained.partition("The last lines of")[2]
    assert left_running(tmp_path) == []
