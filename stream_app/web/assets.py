"""The dashboard's files: read once, compressed once, and named by what they contain, so that browsers keep them."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path

FOLDER = Path(__file__).parent / "page"
INDEX = "index.html"
PLOTLY = "plotly.min.js"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".html": "text/html"}
VERSION_BYTES = 8


@dataclass(frozen=True)
class Asset:
    """A file as it is served."""

    body: bytes
    media_type: str

    @cached_property
    def gzipped(self) -> bytes:
        """Compressed, which takes Plotly a third of a second; the same bytes each time."""
        return gzip.compress(self.body, mtime=0)


@dataclass(frozen=True, slots=True)
class Page:
    """The page and, under a version that changes with any of them, the files that it loads."""

    index: Asset
    version: str
    assets: Mapping[str, Asset]


@cache
def page() -> Page:
    """The packaged page, with Plotly's JavaScript from its own package."""
    found = {path.name: _asset(path.name, path.read_bytes()) for path in sorted(FOLDER.iterdir()) if path.is_file()}
    found[PLOTLY] = _asset(PLOTLY, files("plotly").joinpath("package_data", PLOTLY).read_bytes())
    index = found.pop(INDEX)
    version = _version(found)
    placed = index.body.replace(b"{page}", f"/page/{version}".encode())
    return Page(_asset(INDEX, placed), version, found)


def _asset(name: str, body: bytes) -> Asset:
    return Asset(body, MEDIA_TYPES[Path(name).suffix])


def _version(assets: Mapping[str, Asset]) -> str:
    made = hashlib.blake2b(digest_size=VERSION_BYTES)
    for name, asset in assets.items():
        made.update(f"{name} {len(asset.body)}\n".encode() + asset.body)
    return made.hexdigest()
