"""The wheel holds the product, all of it and nothing else, and what it says of itself is what pyproject.toml says."""

import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from schemas.topics import TOPICS
from stream_app import config, sample
from stream_app.embedded import jars, kafka
from stream_app.web import assets
from tests.integration.installed import ROOT, Installed

PRODUCT = ("agents", "migrations", "schemas", "stream_app")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DATA = (
    config.PACKAGED_REGIONS,
    sample.PRICES,
    sample.NEWS,
    sample.MODELS,
    jars.LIST,
    kafka.LOGGING,
    assets.FOLDER / assets.INDEX,
)
"""What the code opens beside itself."""


def information(installed: Installed, name: str) -> bytes:
    """A file of the wheel's own folder of facts about it."""
    with ZipFile(installed.wheel) as wheel:
        return wheel.read(f"stream_app-{PROJECT['version']}.dist-info/{name}")


@pytest.fixture
def metadata(installed: Installed) -> Metadata:
    """The wheel's METADATA, which is refused where it is not by the rules."""
    return Metadata.from_email(information(installed, "METADATA"))


def test_it_holds_every_file_of_the_product_and_no_other(installed: Installed) -> None:
    files = {path.relative_to(ROOT) for part in PRODUCT for path in (ROOT / part).rglob("*") if path.is_file()}
    with ZipFile(installed.wheel) as wheel:
        held = {Path(name) for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == {path for path in files if "__pycache__" not in path.parts}


def test_among_them_is_what_the_code_opens_and_what_others_read(installed: Installed) -> None:
    opened = [path.relative_to(ROOT) for path in DATA]
    read = [Path("schemas/json") / f"{event.__name__}.v1.schema.json" for topic in TOPICS for event in topic.events]
    assert read
    with ZipFile(installed.wheel) as wheel:
        for path in (*opened, *read, Path("schemas/asyncapi.json")):
            assert wheel.read(path.as_posix()) == (ROOT / path).read_bytes()


def test_its_metadata_is_the_projects(metadata: Metadata) -> None:
    assert (metadata.name, str(metadata.version)) == (PROJECT["name"], PROJECT["version"])
    assert metadata.summary == PROJECT["description"]
    assert metadata.description == (ROOT / "README.md").read_text()
    assert metadata.requires_python == SpecifierSet(PROJECT["requires-python"])
    needed = {each for each in metadata.requires_dist or () if not each.marker}
    assert needed == {Requirement(line) for line in PROJECT["dependencies"]}


def test_its_licence_travels_with_it(installed: Installed, metadata: Metadata) -> None:
    assert (metadata.license_expression, metadata.license_files) == ("Apache-2.0", ["LICENSE"])
    assert information(installed, "licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()


def test_what_is_imported_is_the_wheels_and_not_the_trees(installed: Installed, tmp_path: Path) -> None:
    names = ", ".join(PRODUCT)
    code = f"import {names}\nprint(*(part.__file__ for part in ({names})), sep='\\n')"
    found = installed.run(tmp_path, installed.python, "-c", code).stdout.split()
    assert [Path(path).parent for path in found] == [installed.packages / part for part in PRODUCT]


def test_it_says_its_version_and_its_commands_in_an_empty_folder(installed: Installed, tmp_path: Path) -> None:
    assert installed.run(tmp_path, installed.program, "--version").stdout == f"stream-app {PROJECT['version']}\n"
    shown = installed.run(tmp_path, installed.program, "--help").stdout
    assert all(
        command in shown for command in ("up", "down", "db", "worker", "ingest", "close", "show", "export", "demo")
    )
    assert list(tmp_path.iterdir()) == []
