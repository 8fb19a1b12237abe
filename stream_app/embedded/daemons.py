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
POLL_SECONDS = 0.002
EXEC_POLLS = 50
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
            if process.status() == psutil.STATUS_ZOMBIE:
                _reap(process)
                return None
            ours = tuple(_command_line(process)[-len(self.tail) :]) == self.tail
        except (FileNotFoundError, ValueError, psutil.Error):
            return None
        return process if ours else None

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
        process = self.process()
        if process is not None:
            process.send_signal(politely)
            try:
                process.wait(patience_seconds)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait()
        self.pid_file.unlink(missing_ok=True)


def _command_line(process: psutil.Process) -> list[str]:
    """The process's command line, which is empty for a moment while it becomes another program."""
    for _ in range(EXEC_POLLS):
        if words := process.cmdline():
            return words
        time.sleep(POLL_SECONDS)
    return []


def _reap(process: psutil.Process) -> None:
    with suppress(ChildProcessError):  # another process's child is another process's to reap
        os.waitpid(process.pid, os.WNOHANG)
