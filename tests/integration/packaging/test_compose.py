"""docker-compose.yml, judged without a container engine: well-formed, on the tests' own releases, closed to outside."""

import re
import shlex
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from pydantic import SecretStr

from stream_app.config import Settings
from stream_app.embedded import Endpoints, jars
from stream_app.embedded.kafka import BROKER
from stream_app.endpoints import find
from stream_app.health import StageReport, served
from tests.integration.installed import ROOT
from tests.integration.packaging.containers import (
    COMPOSE_FILE,
    SETTINGS,
    broker_properties,
    compose,
    image_version,
    interpolated,
    is_command,
    of_dockerfile,
)

OWN = ("migrate", "worker")
"""The services that are stream-app."""
PLACES = {
    "listeners",
    "advertised.listeners",
    "listener.security.protocol.map",
    "controller.quorum.voters",
    "log.dirs",
}
"""What a broker in a container has in another way than the embedded one."""
NEEDED = {"auto.create.topics.enable": "false", "message.max.bytes": str(5 * 1024 * 1024)}


@pytest.fixture(scope="module")
def services() -> Any:
    """The services by name."""
    return compose()["services"]


def refusal(file: Path) -> str:
    """What the Compose Specification's schema has against a file; nothing where it is well-formed."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    return checked.stdout if checked.returncode else ""


def test_it_is_by_the_compose_specification(tmp_path: Path) -> None:
    assert refusal(COMPOSE_FILE) == ""
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(COMPOSE_FILE.read_text().replace("condition: service_healthy", "condition: service_well"))
    assert "service_well" in refusal(broken)


def test_every_image_is_pinned_by_a_tag(services: Any) -> None:
    images = [*(service["image"] for service in services.values()), *of_dockerfile("FROM")]
    assert [image for image in images if image_version(image) in ("", "latest")] == []
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {services[name]["image"] for name in OWN} == {f"stream-app:{version}"}


def test_its_broker_is_the_release_that_is_embedded(services: Any) -> None:
    versions = {jar.coordinate.split(":")[2] for jar in jars.pinned_jars() if ":kafka_2." in jar.coordinate}
    assert {image_version(services["kafka"]["image"])} == versions


async def test_its_postgres_is_the_release_that_is_embedded(services: Any, endpoints: Endpoints) -> None:
    connection = await asyncpg.connect(endpoints.database_url)
    vector = await connection.fetchval("SELECT default_version FROM pg_available_extensions WHERE name = 'vector'")
    assert image_version(services["postgres"]["image"]) == f"{vector}-pg{connection.get_server_version().major}"
    await connection.close()


def test_its_broker_has_the_embedded_brokers_properties() -> None:
    properties = broker_properties()
    common = {name: value for name, value in properties.items() if name not in PLACES}
    assert common == {name: str(BROKER[name]) for name in common}
    assert properties.items() >= (NEEDED | {"process.roles": "broker,controller"}).items()


def test_clients_inside_and_outside_are_told_the_address_that_reaches_the_broker(services: Any) -> None:
    properties = broker_properties()
    listeners = dict(each.split("://") for each in properties["listeners"].split(","))
    advertised = dict(each.split("://") for each in properties["advertised.listeners"].split(","))
    assert advertised["PLAINTEXT"] == services["worker"]["environment"]["STREAM_APP_KAFKA_URL"]
    assert advertised["PLAINTEXT"].endswith(listeners["PLAINTEXT"])
    (port,) = services["kafka"]["ports"]
    assert port == f"{advertised['HOST']}{listeners['HOST']}"


def test_what_it_tells_the_worker_are_settings_that_the_worker_takes(services: Any) -> None:
    assert set(re.findall(r"STREAM_APP_\w+", COMPOSE_FILE.read_text())) <= SETTINGS
    for name in OWN:
        variables = services[name]["environment"]
        database_url = variables["STREAM_APP_DATABASE_URL"]
        found = find(Settings(kafka_url=variables["STREAM_APP_KAFKA_URL"], database_url=SecretStr(database_url)))
        assert {
            found.kafka.servers.partition(":")[0],
            database_url.partition("@")[2].partition(":")[0],
        } <= services.keys()
        database = services["postgres"]["environment"]
        assert f"//{database['POSTGRES_USER']}@" in database_url
        assert database_url.endswith(f"/{database['POSTGRES_DB']}")
        assert is_command(services[name]["command"])


def test_nothing_is_open_to_other_machines(services: Any) -> None:
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_passwords_come_from_the_environment_and_the_example_names_what_does(services: Any) -> None:
    passwords = [
        value for service in services.values() for name, value in service["environment"].items() if "PASSWORD" in name
    ]
    assert len(passwords) == len(OWN) + 1
    assert {name for value in passwords for name, _ in interpolated(value)} == {"POSTGRES_PASSWORD"}
    variables = interpolated(COMPOSE_FILE.read_text())
    assert {rest[:2] for name, rest in variables if name == "POSTGRES_PASSWORD"} == {":?"}
    example = (ROOT / ".env.example").read_text()
    assert {f"{name}={rest[2:] if rest.startswith(':-') else ''}" for name, rest in variables} <= {
        line.removeprefix("# ") for line in example.splitlines()
    }
    assert set(re.findall(r"STREAM_APP_\w+", example)) <= SETTINGS
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


def test_a_service_is_waited_for_in_a_way_that_it_can_answer(services: Any) -> None:
    waits = [
        (name, on["condition"]) for service in services.values() for name, on in service.get("depends_on", {}).items()
    ]
    assert {name for name, _ in waits} == {"kafka", "postgres", "migrate"}
    for name, condition in waits:
        if condition == "service_healthy":
            assert services[name]["healthcheck"]["test"][0] == "CMD"
        else:
            assert (condition, services[name].get("restart")) == ("service_completed_successfully", None)


def probe(services: Any, port: int) -> int:
    """What the worker's health check exits with, where the worker answers on this port."""
    variables = services["worker"]["environment"]
    cmd, python, *arguments = services["worker"]["healthcheck"]["test"]
    assert (cmd, python) == ("CMD", "python")
    assert f'"127.0.0.1", {variables["STREAM_APP_HEALTH_PORT"]},' in arguments[-1]
    arguments[-1] = arguments[-1].replace(str(variables["STREAM_APP_HEALTH_PORT"]), str(port))
    return subprocess.run([sys.executable, *arguments], stderr=subprocess.DEVNULL, check=False).returncode


def test_a_worker_is_healthy_while_it_lives_ready_or_not(services: Any) -> None:
    health = StageReport(stage="prices", missing={"postgres": "has not answered for 7 s"})
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with served(services["worker"]["environment"]["STREAM_APP_HEALTH_HOST"], port, lambda: [health]):
        assert probe(services, port) == 0
        health = msgspec.structs.replace(health, dead="has told nothing for 31 s")
        assert probe(services, port) == 1
    assert probe(services, port) == 1


def test_data_outlive_the_containers_and_a_stop_waits_for_the_chunk_in_flight(services: Any) -> None:
    mounted = {volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", ())}
    assert mounted == compose()["volumes"].keys() == {"kafka", "postgres"}
    assert services["kafka"]["volumes"] == [f"kafka:{broker_properties()['log.dirs']}"]
    grace = services["worker"]["stop_grace_period"]
    assert float(grace.removesuffix("s")) > Settings.model_fields["drain_seconds"].default


def test_the_readmes_commands_are_for_services_and_commands_that_there_are(services: Any) -> None:
    readme = (ROOT / "README.md").read_text()
    section = readme.partition("## In containers")[2].partition("\n## ")[0]
    lines = [shlex.split(line, comments=True) for line in section.partition("```sh\n")[2].split("```")[0].splitlines()]
    copied = next(line for line in lines if line[0] == "cp")
    assert (ROOT / copied[1]).exists()
    assert copied[2] in (ROOT / ".gitignore").read_text().splitlines()
    runs = [line for line in lines if line[:3] == ["docker", "compose", "run"]]
    assert len(runs) == 2
    assert all(is_command(line[line.index("worker") + 1 :]) for line in runs)
    ports = {name: re.sub(r"\$\{\w+:-(\d+)\}", r"\1", services[name]["ports"][0]) for name in ("kafka", "postgres")}
    database = services["worker"]["environment"]["STREAM_APP_DATABASE_URL"]
    assert f"`{ports['kafka'].rpartition(':')[0]}`" in section
    assert f"`{database.replace('postgres:5432', ports['postgres'].rpartition(':')[0])}`" in section
