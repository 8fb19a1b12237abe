"""On what a benchmark was run: the machine, without its name, and the versions of what took part."""

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

from stream_app.embedded.jars import pinned_jars

CPU_INFO = Path("/proc/cpuinfo")
BROKER = re.compile(r"org\.apache\.kafka:kafka_[\d.]+:(.+)")


@dataclass(frozen=True, slots=True)
class Machine:
    """What a figure depends on and a reader can compare with. `memory_gib` is all that the machine has."""

    cpu: str
    cores: int
    memory_gib: float


def machine() -> Machine:
    """This machine. `cores` are those that this process may use."""
    return Machine(
        cpu=cpu_model(CPU_INFO.read_text() if CPU_INFO.exists() else ""),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
    )


def cpu_model(cpu_info: str) -> str:
    """The processor's name as the kernel tells it; where it tells none, the architecture."""
    found = re.search(r"^model name\s*:\s*(.+)$", cpu_info, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def versions(*packages: str, **others: str) -> Mapping[str, str]:
    """Python's version, those of the installed `packages`, and `others` that only the caller knows (postgres, …)."""
    return {"python": platform.python_version(), **{package: version(package) for package in packages}, **others}


def kafka_version() -> str:
    """The embedded broker's version."""
    return next(found[1] for jar in pinned_jars() if (found := BROKER.fullmatch(jar.coordinate)))
