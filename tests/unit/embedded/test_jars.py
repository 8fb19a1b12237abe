"""Kafka's pinned jars: what is there is not fetched again, what is wrong is not used, what fails is said."""

import hashlib
from pathlib import Path

import pytest
import requests
from jgo.maven import Artifact, MavenContext, PythonResolver

from stream_app.embedded import jars
from stream_app.embedded.jars import class_path, pinned_jars
from stream_app.errors import Fatal

CONTENT = b"a jar"
PINNED = ("org.one:first:1.0", "org.two:second:2.0")


class Central(PythonResolver):
    """Stands for the repository that jgo asks: gives every jar this content, or fails."""

    def __init__(self, content: bytes | Exception) -> None:
        super().__init__()
        self.content = content
        self.asked: list[str] = []

    def download(self, artifact: Artifact) -> Path | None:
        """Puts the content where jgo would."""
        self.asked.append(artifact.artifactId)
        if isinstance(self.content, Exception):
            raise self.content
        path = artifact.cached_path
        assert path is not None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content)
        return path


@pytest.fixture(autouse=True)
def pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of two jars."""
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    monkeypatch.setattr(jars, "LIST", tmp_path / "list")
    (tmp_path / "list").write_text("# two jars\n" + "".join(f"{sha256} {coordinate}\n" for coordinate in PINNED))


def fetch(repository: Path, central: Central, said: list[str] | None = None) -> list[Path]:
    """The class path, from this cache and that repository."""
    return class_path((said if said is not None else []).append, MavenContext(resolver=central, repo_cache=repository))


def test_missing_jars_are_fetched_once(tmp_path: Path) -> None:
    central, said = Central(CONTENT), list[str]()
    first = fetch(tmp_path, central, said)
    assert fetch(tmp_path, central, said) == first
    assert [path.name for path in first] == ["first-1.0.jar", "second-2.0.jar"]
    assert sorted(central.asked) == ["first", "second"]
    assert said == ["Downloading Apache Kafka (2 jars, once) …"]


def test_a_download_that_broke_off_is_repeated(tmp_path: Path) -> None:
    second = fetch(tmp_path, Central(CONTENT))[1]
    second.write_bytes(CONTENT[:2])
    central = Central(CONTENT)
    fetch(tmp_path, central)
    assert central.asked == ["second"]
    assert second.read_bytes() == CONTENT


def test_jars_that_cannot_be_downloaded_are_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        Fatal,
        match=r"^Apache Kafka's jars cannot be downloaded \(org.one:first:1.0: ConnectionError\); "
        r"see that this machine reaches Maven Central, then run this again\.$",
    ):
        fetch(tmp_path, Central(requests.ConnectionError("no route")))


def test_a_jar_with_another_content_than_the_pinned_one_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match=r"^The downloaded org.one:first:1.0 is not the pinned file"):
        fetch(tmp_path, Central(b"something else"))
    assert not list(tmp_path.rglob("first-1.0.jar"))


def test_the_packaged_list_names_one_kafka_4_and_its_logging_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    versions = {name: version for _, name, version in (jar.coordinate.split(":") for jar in pinned_jars())}
    assert versions["kafka_2.13"] == versions["kafka-clients"]
    assert versions["kafka_2.13"].startswith("4.")
    assert versions["log4j-slf4j-impl"] == versions["log4j-core"]
