"""The README's seed commands, run as they are written over the sample's rows by the packaged model."""

import csv
import datetime as dt
import gzip
import json
import re

import pytest

from stream_app import sample
from tests.integration.cli.conftest import CommandLine
from tests.integration.cli.tables import Tables, news
from tests.integration.cli.written import ROOT, block, run_script

COMMANDS = block((ROOT / "README.md").read_text(), "sh", "run-numeric-regime")
SESSIONS_WITH_NEWS = """
    SELECT DISTINCT trade_date FROM prices_daily JOIN news_articles ON news_date = trade_date ORDER BY trade_date
"""


@pytest.fixture
def sampled(tables: Tables) -> Tables:
    """With the closes of the S&P 500 and the news that the commands are about."""
    with gzip.open(sample.PRICES, "rt", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["instrument_id"] == "SPX.US"]
    tables.put_closes("SPX.US", {dt.date.fromisoformat(row["trade_date"]): float(row["close"]) for row in rows})
    articles = [json.loads(line) for line in sample.NEWS.read_text().splitlines()]
    tables.put_articles(
        *[
            news(a["article_id"], dt.datetime.fromisoformat(a["published_at"]), a["headline"], language=a["language"])
            for a in articles
            if a["published_at"].startswith("2008-09")
        ]
    )
    return tables


def test_they_fill_a_month_and_show_it(stream_app: CommandLine, sampled: Tables) -> None:
    ran = run_script(stream_app, COMMANDS)
    assert re.search(r"^2008-09-15 +US +joint-regime-core-v1 +384 +\d+\.\d{6}$", ran.stdout, re.MULTILINE)
    filled = sampled.fetch("SELECT as_of_date FROM joint_embeddings ORDER BY as_of_date")
    assert filled == sampled.fetch(SESSIONS_WITH_NEWS)
    again = run_script(stream_app, COMMANDS)
    assert again.stdout.count("Nothing changed.") == 3
