"""The packaged sample: real index closes and dated headlines of 2006 to 2009. README.md beside this file says more."""

from pathlib import Path

PRICES = Path(__file__).parent / "prices.csv.gz"
"""Daily closes and volumes of SPX.US, DAX.EU and N225.JP; gzipped CSV with the fields of `schemas.PriceClose`."""
NEWS = Path(__file__).parent / "news.jsonl"
"""Headlines about public events; one JSON object a line with the fields of `schemas.NewsArticle`."""
MODELS = Path(__file__).parent / "models.toml"
"""A models file with a labeller of each index's days."""
