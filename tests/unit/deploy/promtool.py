"""Prometheus' own tester of rules: the machine's, or Debian's, which `python -m tests.unit.deploy.promtool` fetches.

Only the program is taken out of the package, as to install that would start a Prometheus.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.debian import apt_get, have, update

FETCHED = Path(sys.prefix) / "bin" / "promtool"
PACKAGE = "prometheus"
PROGRAM = "usr/bin/promtool"
MISSING = "there is no promtool: `make promtool` fetches Debian's, where this is Debian"


def found() -> str | None:
    """Its path; None where there is none."""
    return shutil.which("promtool") or shutil.which(FETCHED)


def fetch() -> None:
    """Fetch Debian's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        update()
        apt_get("--option", "APT::Sandbox::User=root", "download", PACKAGE, folder=folder)
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
            shutil.move(folder / PROGRAM, FETCHED)


def main() -> None:
    """Have one, or say that there is none."""
    have(found, fetch, "Fetching promtool, which the alert rules are tested by", f"{MISSING}.")


if __name__ == "__main__":
    main()
