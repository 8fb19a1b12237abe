"""Dockerfile, docker-compose.yml and .env.example as data."""

import re
import shlex
from typing import Any

from ruamel.yaml import YAML
from typer.core import TyperGroup
from typer.main import get_command

from stream_app.cli.app import app
from stream_app.config import Settings
from tests.integration.installed import ROOT

COMPOSE_FILE = ROOT / "docker-compose.yml"
SETTINGS = {f"STREAM_APP_{name.upper()}" for name in (*Settings.model_fields, "config")}


def compose() -> Any:
    """The compose file, with its anchors and merges resolved and its ${…} as they are written."""
    return YAML(typ="safe", pure=True).load(COMPOSE_FILE)


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, without comments: the keyword and what follows it."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def of_dockerfile(keyword: str) -> list[str]:
    """What follows each instruction of this kind."""
    return [rest for word, rest in instructions() if word == keyword]


def environment_of_image() -> dict[str, str]:
    """What the Dockerfile's ENV instructions set."""
    return dict(pair.split("=", 1) for line in of_dockerfile("ENV") for pair in shlex.split(line))


def interpolated(text: str) -> set[tuple[str, str]]:
    """The ${NAME…} of a compose file: each name with what follows it, such as `:-9092` or `:?why`."""
    return set(re.findall(r"\$\{(\w+)([^}]*)\}", text))


def image_version(image: str) -> str:
    """The tag of an image's name, empty where there is none."""
    return image.rpartition("/")[2].partition(":")[2]


def broker_properties() -> dict[str, str]:
    """Kafka's properties as its image makes them of the service's KAFKA_… variables."""
    variables = compose()["services"]["kafka"]["environment"]
    return {name.removeprefix("KAFKA_").replace("_", ".").lower(): str(value) for name, value in variables.items()}


def is_command(words: list[str]) -> bool:
    """Whether the words begin with a command of stream-app and give it no option that it does not have."""
    command: Any = get_command(app)
    left = list(words)
    while isinstance(command, TyperGroup) and left and left[0] in command.commands:
        command = command.commands[left.pop(0)]
    options = {name for option in command.params for name in option.opts}
    return not isinstance(command, TyperGroup) and {word for word in left if word.startswith("--")} <= options
