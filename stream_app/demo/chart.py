"""The demo's picture: the index, how alike each day's news is to the chosen day's, and how much news there was."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from stream_app.demo.analogues import Story
from stream_app.store.prices import Series

WIDTH_INCHES, HEIGHT_INCHES, DOTS_PER_INCH = 11.0, 8.0, 130
MARKED_DAYS = 8
BLUE, ORANGE, GREY, GREEN = "#1f4e79", "#d1495b", "#8d99ae", "#2a9d8f"


def draw(path: Path, instrument: str, series: Series, story: Story) -> None:
    """Write the chart as a PNG file."""
    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    price, alike, news = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1.4))
    figure.suptitle(f"Which days were like {story.chosen} for {story.region}?", fontsize=15, fontweight="bold")
    _draw_price(price, instrument, series, story)
    _draw_alike(alike, story)
    _draw_news(news, story)
    for axes in (price, alike, news):
        axes.axvline(story.chosen, color=ORANGE, linewidth=1.2, linestyle="--", zorder=1, label=f"{story.chosen}")
        axes.grid(color="#e5e7eb", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    price.legend(loc="upper right", frameon=False)
    alike.legend(loc="upper left", frameon=False)
    figure.savefig(path)


def _draw_price(axes: Any, instrument: str, series: Series, story: Story) -> None:
    axes.plot(series.dates, series.closes, color=BLUE, linewidth=1.3, label=f"{instrument}, close")
    marked = np.array([story.days[index] for index in story.most_alike(MARKED_DAYS)], dtype="datetime64[D]")
    closes = series.closes[np.searchsorted(series.dates, marked, side="right") - 1]
    axes.scatter(marked, closes, color=GREEN, s=45, zorder=3, label=f"the {MARKED_DAYS} days most alike by their news")
    axes.set_ylabel("index points")


def _draw_alike(axes: Any, story: Story) -> None:
    others = [index for index in range(len(story.days)) if index != story.at]
    marked = story.most_alike(MARKED_DAYS)
    days, cosines = story.days, story.text_cosines
    axes.scatter([days[i] for i in others], cosines[others], color=GREY, s=14, label="a day with news")
    axes.scatter([days[i] for i in marked], cosines[marked], color=GREEN, s=45, zorder=3, label="the most alike")
    axes.set_ylabel(f"cosine to {story.chosen}\n(text half)")


def _draw_news(axes: Any, story: Story) -> None:
    months: dict[dt.date, int] = {}
    for day, articles in zip(story.days, story.articles, strict=True):
        first = day.replace(day=1)
        months[first] = months.get(first, 0) + len(articles)
    axes.bar(
        list(months),
        list(months.values()),
        width=25,
        align="edge",
        color=BLUE,
        alpha=0.75,
        label="articles on those days",
    )
    axes.set_ylabel("articles on\nthose days,\na month")
