"""The Chromium that the page is tried in: the machine's own, which `python -m tests.browser.chromium` installs."""

import os
import shutil
from pathlib import Path

from tests.debian import apt_get, have, update

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
VARIABLE = "CHROMIUM"
"""Names another one by its path."""
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PACKAGES = ("chromium", "fonts-liberation")
MISSING = (
    "the page is NOT tried in a browser: there is no Chromium. `apt-get install chromium` as root, or name one by "
    f"{VARIABLE}=/path/to/chromium."
)


def found() -> str | None:
    """Its path; None where there is none."""
    names = filter(None, (os.environ.get(VARIABLE), *NAMES))
    return next(filter(None, map(shutil.which, names)), None)


def install() -> None:
    """Install Debian's, where this is Debian and we are root."""
    if os.geteuid() == 0:
        update()
        apt_get("install", "--yes", "--no-install-recommends", *PACKAGES)


def main() -> None:
    """Have one, or say that there is none."""
    have(found, install, "Installing Chromium, in which the page is tried", MISSING)


SCREENSHOTS = Path(__file__).parent / "screenshots"
"""What the page looked like, kept for people to look at; not committed."""

if __name__ == "__main__":
    main()
