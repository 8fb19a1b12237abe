"""Processes that outlive the one that started them, found again through a pid file and their command line."""

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

# The child notes its own pid before it becomes the service: a starter that is killed in between leaves no stranger.
BECOME = 'cd "$1" && echo $$ > "$2.new" && mv "$2.new" "$2" && shift 2 && exec "$@"'
POLL_SECONDS = 0.005
EXEC_POLLS = 20
RESET_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGPIPE)


def plain_environment() -> dict[str, str]:
    """The variables a service needs; what a user set for other Javas and Postgres clients stays outside."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | {"LC_ALL": "C"}


@dataclass(frozen=True, slots=True)
class Daemon:
    """A service's process. `tail` is the end of its command line, which names its data folder and so no other's."""

    folder: Path
    pid_file: Path
    output: Path
    tail: tuple[str, ...]

    def process(self) -> psutil.Process | None:
        """The living process of the pid file, unless the pid has passed to another program."""
        try:
            process = psutil.Process(int(self.pid_file.read_text()))
            return process if self._is_ours(process) else None
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None

    def spawn(self, command: Sequence[str]) -> None:
        """Starts `command` + `tail` in a session of its own, so that Ctrl-C in this terminal does not reach it.

        Its output begins a new file; that of the run before is kept beside it.
        """
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self.pid_file.unlink(missing_ok=True)
        if self.output.exists():
            self.output.replace(self.output.with_name(self.output.name + ".old"))
        pid = os.posix_spawn(
            "/bin/sh",
            ["sh", "-c", BECOME, "sh", str(self.folder), str(self.pid_file), *command, *self.tail],
            plain_environment(),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self.output), append, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigdef=RESET_SIGNALS,
            setsigmask=(),
        )
        while not self.pid_file.exists() and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(POLL_SECONDS)

    def end(self, politely: signal.Signals, patience_seconds: float) -> None:
        """Sends the signal of a clean stop and waits; what has not ended by then is killed."""
        self._signal(politely)
        deadline = time.monotonic() + patience_seconds
        # Not psutil's wait: a process that has ended but that its parent has not reaped would keep it waiting.
        while self.process() is not None:
            if time.monotonic() > deadline:
                self._signal(signal.SIGKILL)
            time.sleep(POLL_SECONDS)
        self.pid_file.unlink(missing_ok=True)

    def _signal(self, number: signal.Signals) -> None:
        process = self.process()
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            if process is not None:
                process.send_signal(number)

    def _is_ours(self, process: psutil.Process) -> bool:
        for _ in range(EXEC_POLLS):
            if process.status() == psutil.STATUS_ZOMBIE:
                return not _has_ended(process)
            with suppress(psutil.ZombieProcess):
                # empty for a moment while a process becomes another program, and while it ends
                if words := process.cmdline():
                    return tuple(words[-len(self.tail) :]) == self.tail
            time.sleep(POLL_SECONDS)
        return False


def _has_ended(zombie: psutil.Process) -> bool:
    """Whether its last thread has ended too: Java's outlive the first one, and hold its files. Reaps a child."""
    if zombie.num_threads() > 1:
        return False
    with suppress(ChildProcessError):  # another process's child is another process's to reap
        os.waitpid(zombie.pid, os.WNOHANG)
    return True
