"""Apache Kafka's jars: a list pinned by version and sha256, fetched once into the user's Maven cache by jgo.

`python -m stream_app.embedded.jars` fetches them ahead of the first start; with `--lock VERSION` it makes the list.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from jgo import resolve
from jgo.maven import Artifact, MavenContext

from stream_app.embedded.files import write_atomically
from stream_app.errors import Fatal, StreamAppError

LIST = Path(__file__).parent / "kafka-jars.lock"
# Kafka logs through slf4j 1.7 and brings log4j 2 without the bridge between the two.
BRIDGE = "org.apache.logging.log4j:log4j-slf4j-impl"
DOWNLOADS = 8
REQUEST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the list: `sha256 group:artifact:version`."""

    sha256: str
    coordinate: str

    def artifact(self, maven: MavenContext) -> Artifact:
        """The jar as jgo names it."""
        group, name, version = self.coordinate.split(":")
        return maven.project(group, name).at_version(version).artifact()

    def is_whole(self, path: Path | None) -> bool:
        """Whether the file is there with the pinned content; a download that broke off is not."""
        return path is not None and path.exists() and sha256_of(path) == self.sha256


def sha256_of(path: Path) -> str:
    """The file's sha256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pinned_jars() -> list[Jar]:
    """The jars that the broker is made of."""
    return [Jar(*line.split()) for line in LIST.read_text().splitlines() if not line.startswith("#")]


def class_path(say: Callable[[str], None], maven: MavenContext | None = None) -> list[Path]:
    """The jars' files, downloaded where they are missing. Raises Fatal in one sentence when they cannot be."""
    context = maven or MavenContext(timeout=REQUEST_SECONDS)
    context.repo_cache.mkdir(parents=True, exist_ok=True)
    with FileLock(context.repo_cache / ".stream-app.lock"):
        wanted = {jar: jar.artifact(context) for jar in pinned_jars()}
        missing = {jar: artifact for jar, artifact in wanted.items() if not jar.is_whole(artifact.cached_path)}
        if missing:
            say(f"Downloading Apache Kafka ({len(missing)} jars, once) …")
        with ThreadPoolExecutor(DOWNLOADS) as pool:
            list(pool.map(_download, missing, missing.values()))
    return [artifact.resolve() for artifact in wanted.values()]


def _download(jar: Jar, artifact: Artifact) -> None:
    if artifact.cached_path is not None:
        artifact.cached_path.unlink(missing_ok=True)
    try:
        path = artifact.resolve()
    except (OSError, RuntimeError) as error:  # requests' errors are OSErrors, jgo's own are RuntimeErrors
        raise Fatal(
            f"Apache Kafka's jars cannot be downloaded ({jar.coordinate}: {type(error).__name__}); "
            "see that this machine reaches Maven Central, then run this again."
        ) from error
    if not jar.is_whole(path):
        path.unlink()
        raise Fatal(f"The downloaded {jar.coordinate} is not the pinned file (its sha256 differs); run this again.")


def _lock_lines(version: str) -> Iterator[str]:
    yield f"# Apache Kafka {version}: sha256 and Maven coordinate of each jar; made by `make lock`"
    core = resolve(f"org.apache.kafka:kafka_2.13:{version}")
    log4j = next(jar.version for jar in core if jar.artifactId == "log4j-core")
    bridge = next(jar for jar in resolve(f"{BRIDGE}:{log4j}") if jar.artifactId == BRIDGE.split(":")[1])
    for jar in sorted([*core, bridge], key=lambda jar: (jar.groupId, jar.artifactId)):
        yield f"{sha256_of(jar.resolve())} {jar.groupId}:{jar.artifactId}:{jar.version}"


def main(arguments: list[str]) -> int:
    """Fetches the pinned jars, or pins those of a version."""
    try:
        if arguments[:1] == ["--lock"]:
            write_atomically(LIST, "\n".join(_lock_lines(arguments[1])) + "\n")
            LIST.chmod(0o644)
        class_path(print)
    except StreamAppError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
