"""What the README says of the settings, the files and the commands is so."""

import json
import re
from pathlib import Path

from pydantic import SecretStr

from stream_app import outage
from stream_app.config import Settings
from stream_app.health import StageHealth
from stream_app.health.report import readiness
from stream_app.models import models_in_use

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def settings_table() -> str:
    """The rows of the README's table of settings, as they must stand there."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = ",".join(field.default) if isinstance(field.default, tuple) else field.default
        shown = "" if default is None or default == "" or isinstance(default, SecretStr) else f"`{default}`"
        rows.append(f"| `{name}` | `STREAM_APP_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(rows)


def test_the_table_of_settings_is_what_the_settings_are() -> None:
    assert settings_table() in README, f"put these rows into README.md:\n{settings_table()}"


def test_the_settings_of_its_section_on_security_are_such_and_fit_each_other() -> None:
    section = README.partition("## Security\n")[2].partition("\n## ")[0]
    given = dict(re.findall(r"^export STREAM_APP_(\w+)='?([^'\n]+)'?$", section, re.MULTILINE))
    settings = Settings.model_validate({name.lower(): value for name, value in given.items()})
    assert settings.kafka_security_protocol == "SASL_SSL"
    assert settings.model_fields_set >= {name.lower() for name in given}
    assert "sslmode=verify-full" in given["DATABASE_URL"]


def test_every_file_that_it_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not link.startswith("http") and not (ROOT / link).exists()] == []


def test_the_models_file_that_it_shows_can_be_used(tmp_path: Path) -> None:
    shown = README.partition("## Models\n")[2].partition("```toml\n")[2].partition("```")[0]
    path = tmp_path / "models.toml"
    path.write_text(shown, encoding="utf-8")
    used = models_in_use(Settings(models_file=path, joint_models=("joint-own",)))
    assert (used.text.spec.source, used.longest_window_days) == ("models/own", 20)


def operating() -> str:
    """The section that tells how a worker is watched."""
    return README.partition("## Operating it\n")[2].partition("\n## ")[0]


def test_what_it_shows_of_a_stage_that_loads_its_model_is_the_answer() -> None:
    health = StageHealth("news", 30.0)
    health.loading_model()
    shown = operating().partition("```json\n")[2].partition("```")[0]
    assert (False, json.loads(shown)) == readiness([health.report()])


def test_a_worker_reminds_of_an_outage_as_often_as_it_says() -> None:
    assert f"again every {outage.REMINDER_SECONDS:g} seconds" in " ".join(operating().split())
