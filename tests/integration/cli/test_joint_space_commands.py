"""The commands of the joint space's page, run as they are written."""

import json
import re

from tests.conftest import stopped_at_the_end
from tests.integration.cli.conftest import CommandLine
from tests.integration.cli.written import ROOT, block, run_script

SPACE = "regime_num-regime-core-v1__text-fin-general-v1"
PAGE = (ROOT / "docs" / "joint_spaces" / SPACE / "README.md").read_text()


def test_the_space_is_filled_and_inspected_as_written_and_filling_it_again_changes_nothing(bare: CommandLine) -> None:
    fill, inspect = block(PAGE, "sh", "stream-app up"), block(PAGE, "sh", "show_joint_regime_context")
    seeds = fill[fill.index("python -m") :]
    with stopped_at_the_end(bare.folder / ".stream-app"):
        filled = run_script(bare, fill)
        assert re.search(
            r"^Regime as of 2008-09-30 for region US: label=NEUTRAL, confidence=1.000$", filled.stdout, re.MULTILINE
        )
        shown = run_script(bare, inspect).stdout
        assert re.search(r"^2008-09-15,US,,joint-regime-core-v1,384,\d+\.\d{6}$", shown, re.MULTILINE)
        (of_the_day,) = json.loads(shown[shown.index("[") :])
        assert (of_the_day["as_of_date"], of_the_day["region"]) == ("2008-09-15", "US")
        run_script(bare, seeds)
        assert run_script(bare, inspect).stdout == shown
