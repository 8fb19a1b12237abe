"""What the demo shows on the terminal."""

import datetime as dt
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from schemas import JointRegimeContext, NewsArticle
from stream_app.config import PREFIX
from stream_app.demo.analogues import Story
from stream_app.regime.joint import l2_norm

WITH_VECTOR, NEWEST = 3, 1
ALIKE_DAYS = 8
HEADLINES = 2

Contexts = Mapping[tuple[str, dt.date], JointRegimeContext]
"""By region and day."""


def last_contexts(contexts: Contexts) -> Table:
    """The last days with a vector of each region, and its newest day, with the norm or why there is no vector."""
    table = Table(title=f"The last contexts: {WITH_VECTOR} with a vector, and the newest day", title_justify="left")
    for name in ("day", "region"):
        table.add_column(name, no_wrap=True)
    for name in ("revision", "articles"):
        table.add_column(name, justify="right")
    table.add_column("label", no_wrap=True)
    table.add_column("norm, or why there is no vector", justify="right", no_wrap=True)
    for region in sorted({region for region, _ in contexts}):
        days = _last_days(region, contexts)
        for day in days:
            context = contexts[region, day]
            table.add_row(
                str(day),
                region,
                str(context.revision),
                str(context.articles),
                context.regime_label or "",
                _norm(context),
                end_section=day == days[-1],
            )
    return table


def days_alike(story: Story) -> Group:
    """The days most alike to the chosen one, with their headlines."""
    table = Table(
        title=f"Days most alike to {story.chosen} in {story.region}, of {len(story.days)} with prices and news",
        title_justify="left",
    )
    table.add_column("day", no_wrap=True)
    table.add_column("text", justify="right", no_wrap=True)
    table.add_column("joint", justify="right", no_wrap=True)
    table.add_column("headlines", overflow="fold")
    for index in [story.at, *story.most_alike(ALIKE_DAYS)]:
        table.add_row(
            str(story.days[index]),
            f"{story.text_cosines[index]:.3f}",
            f"{story.joint_cosines[index]:.3f}",
            _headlines(story.articles[index]),
            end_section=index == story.at,
        )
    return Group(table, Text(_which_cosine(story)))


def what_next(command: str, folder: Path, page: str, models_file: Path, region: str) -> str:
    """What to type next, on the data that the demo has left; `page` is where its dashboard then is."""
    program = f"{command} --data-dir {shlex.quote(str(folder))}"
    models = f"{PREFIX}MODELS_FILE={shlex.quote(str(models_file))}"
    return "\n".join(
        (
            "Look at it in a browser:",
            f"  {program} up --detach",
            f"  {program} serve               # then open {page}",
            "",
            "More to do with the same data:",
            f"  {program} show --region {region} --start 2008-09-01 --end 2008-10-31 > contexts.csv",
            f"  {program} db url              # for psql and scripts",
            f"  {models} {program} worker  # in a terminal of its own; then, in another,",
            f"  {program} ingest news YOUR_NEWS.jsonl --close-days",
            f"  {program} down",
        )
    )


def _last_days(region: str, contexts: Contexts) -> list[dt.date]:
    days = sorted(day for of_region, day in contexts if of_region == region)
    with_vector = [day for day in days if contexts[region, day].vector is not None]
    return sorted({*with_vector[-WITH_VECTOR:], *days[-NEWEST:]})


def _norm(context: JointRegimeContext) -> str:
    return f"{l2_norm(context.vector.numpy()):,.0f}" if context.vector is not None else f"{context.absent_reason}"


def _headlines(articles: Sequence[NewsArticle]) -> Text:
    shown = [article.headline or "" for article in articles[:HEADLINES]]
    left = len(articles) - len(shown)
    return Text("\n".join([*shown, *([f"… and {left} more"] if left else [])]))


def _which_cosine(story: Story) -> str:
    least = float(np.quantile(story.joint_cosines, 0.05))
    return (
        "In order of the cosine of the text halves (the mean vector of a day's news). The cosine of the whole joint "
        f"vectors stands beside it, but volume rules them: for 95 % of all days it is above {least:.2f}."
    )
