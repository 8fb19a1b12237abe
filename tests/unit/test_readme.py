"""What the README says of the settings, the files and the commands is so."""

import re
from pathlib import Path

from pydantic import SecretStr

from stream_app.config import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def settings_table() -> str:
    """The rows of the README's table of settings, as they must stand there."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "" if default is None or default == "" or isinstance(default, SecretStr) else f"`{default}`"
        rows.append(f"| `{name}` | `STREAM_APP_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(rows)


def test_the_table_of_settings_is_what_the_settings_are() -> None:
    assert settings_table() in README, f"put these rows into README.md:\n{settings_table()}"


def test_every_file_that_it_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not link.startswith("http") and not (ROOT / link).exists()] == []
