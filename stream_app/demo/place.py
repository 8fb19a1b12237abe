"""The demo's own folder: wiped before each run, and nobody else's."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from stream_app import embedded
from stream_app.embedded.daemons import Daemon
from stream_app.errors import UsageError

FOLDER = "demo"
MARK = ".made-by-stream-app-demo"
WORKER_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the demo keeps its data; `folder` as the user would name it."""

    folder: Path

    @property
    def worker_log(self) -> Path:
        """What the worker said."""
        return self.folder / "logs" / "worker.log"

    @property
    def worker_arguments(self) -> tuple[str, ...]:
        """The end of the worker's command line, which names this folder and so no other demo's."""
        return ("--data-dir", str(self.folder.resolve()), "worker")

    @property
    def worker_pid(self) -> Path:
        """The worker's pid, for a demo that comes after one that was killed."""
        return self.folder / "worker.pid"

    @property
    def chart(self) -> Path:
        """The picture."""
        return self.folder / "chart.png"

    def stop(self) -> None:
        """End the worker and the services of this folder, whoever started them."""
        daemon = Daemon(self.folder, self.worker_pid, self.worker_log, self.worker_arguments)
        daemon.end(signal.SIGTERM, WORKER_PATIENCE_SECONDS)
        embedded.stop(self.folder)


@contextmanager
def fresh_place(data_dir: Path) -> Iterator[Place]:
    """The emptied folder `demo` of the data folder, held for one demo at a time.

    Stops what an interrupted demo left running. Raises UsageError, a sentence, when another demo runs or the folder was
    not made by one.
    """
    place = Place(data_dir / FOLDER)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(data_dir / f"{FOLDER}.lock", timeout=0):
            _empty(place)
            yield place
    except Timeout:
        raise UsageError(
            f"Another demo is running in {place.folder}; wait for it or name another --data-dir."
        ) from None
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise UsageError(f"The demo's folder {place.folder} cannot be made: {error.strerror}.") from None


def _empty(place: Place) -> None:
    folder = place.folder
    if folder.exists():
        if any(folder.iterdir()) and not (folder / MARK).exists():
            raise UsageError(f"{folder} holds what no demo made; move it away or name another --data-dir.")
        place.stop()
        shutil.rmtree(folder)
    (folder / "logs").mkdir(parents=True)
    (folder / MARK).touch()
