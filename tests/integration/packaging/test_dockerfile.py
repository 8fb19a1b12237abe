"""The Dockerfile, judged without a container engine: its steps are `make install`'s, its files make the same wheel."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from zipfile import ZipFile

from packaging.specifiers import SpecifierSet

from tests.integration.installed import ROOT, Installed, build_wheel
from tests.integration.packaging.containers import (
    SETTINGS,
    environment_of_image,
    image_version,
    instructions,
    is_command,
    of_dockerfile,
)

REPLACED = {
    # The image has no use for what only the tests need, and none for the tree itself.
    "requirements-dev.lock": "requirements.lock",
    "--no-deps --no-build-isolation --editable .": (
        "--no-deps --compile-bytecode --build-constraints requirements-dev.lock ."
    ),
}
KEYWORDS = {"FROM", "RUN", "WORKDIR", "ENV", "COPY", "USER", "ENTRYPOINT", "CMD"}
"""Those of the Dockerfile's reference that this one needs."""
LEFT_OUT = (".venv/bin/python -m pip --version", ".venv/bin/python -m stream_app.embedded.jars")
"""Steps of `make install` that the image does without: its Python brings pip, and its Kafka is another container."""


def steps_of_make() -> list[str]:
    """What `make install` would run from an empty folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    shown = subprocess.run(
        ["make", "--dry-run", "--always-make", "install"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return shown.stdout.splitlines()


def context(folder: Path) -> Path:
    """A copy of what .dockerignore lets through."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    for name in [line[1:] for line in lines if line.startswith("!")]:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def test_it_installs_by_the_steps_of_make() -> None:
    steps = [line for line in steps_of_make() if line.startswith(".venv/bin/") and not line.startswith(LEFT_OUT)]
    for words, others in REPLACED.items():
        steps = [step.replace(words, others) for step in steps]
    assert [step for step in of_dockerfile("RUN") if step.startswith(".venv/bin/")] == steps


def test_every_step_has_the_files_that_it_names() -> None:
    copied: set[str] = set()
    for keyword, rest in instructions():
        assert keyword in KEYWORDS, keyword
        if keyword == "COPY":
            copied |= set(rest.split()[:-1])
        if keyword == "RUN" and "." not in copied:
            assert set(re.findall(r"[\w-]+\.(?:lock|toml)", rest)) <= copied


def test_it_makes_its_environment_as_make_does() -> None:
    (step,) = [step for step in of_dockerfile("RUN") if "venv --clear" in step]
    python, _, arguments = step.partition(" ")
    shown = "\n".join(steps_of_make())
    assert arguments in shown
    assert python in shown


def test_it_exports_what_make_exports() -> None:
    exported = [line.split() for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("export ")]
    assert exported
    assert {name: value for _, name, _, value in exported}.items() <= environment_of_image().items()


def test_its_python_is_one_that_the_project_takes() -> None:
    (image,) = of_dockerfile("FROM")
    python = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert image_version(image).partition("-")[0] in SpecifierSet(python)


def test_it_does_not_run_as_root() -> None:
    keywords = [word for word, _ in instructions()]
    (user,) = of_dockerfile("USER")
    assert int(user.partition(":")[0]) > 0
    assert f"--uid {user.partition(':')[0]} " in "\n".join(of_dockerfile("RUN"))
    assert keywords.index("USER") > max(at for at, word in enumerate(keywords) if word in ("RUN", "COPY"))


def test_it_runs_a_command_that_there_is() -> None:
    (entry,), (command,) = of_dockerfile("ENTRYPOINT"), of_dockerfile("CMD")
    assert entry == '["stream-app"]'
    assert is_command([word.strip(' "') for word in command.strip("[]").split(",")])


def test_it_names_settings_that_there_are() -> None:
    assert {name for name in environment_of_image() if name.startswith("STREAM_APP_")} <= SETTINGS


def test_what_it_copies_makes_the_same_wheel(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    copied = context(tmp_path / "context")
    assert [name for line in of_dockerfile("COPY") for name in line.split()[:-1] if not (copied / name).exists()] == []
    with ZipFile(build_wheel(tmp_path / "wheel", copied)) as wheel, ZipFile(installed.wheel) as other:
        assert wheel.namelist() == other.namelist()
