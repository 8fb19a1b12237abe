"""How good the numeric vectors are on real indices: what followed the days that they find alike.

For each tested day the k most alike earlier days by cosine, at least 30 sessions back, all history before it; the
forecast is the mean log volatility of the 21 sessions that followed them, and the figure is Spearman's correlation with
what came. Intervals are 95 %, from a circular block bootstrap with blocks of half a year. `linear` is the model's own
expectation over 21 sessions without any neighbour: what a neighbour search with it could reach.

It needs the project's data of indices, which is not in the repository. With --headlines it also says what the text, and
a trained projection, add on ^DJI: each shipped joint model, the text alone, and projections trained on the days before
2012, against the scaled numeric model alone on the same days.
"""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.analogues.candidates import CANDIDATES, SCALED
from benchmarks.analogues.headlines import session_texts
from benchmarks.analogues.indices import FINAL, LONGER_DJI, RUNS, Prices, Run, read
from benchmarks.analogues.joint_spaces import JointDays, spaces
from benchmarks.machine import machine, versions
from benchmarks.report import Figure, Report, parser, publish
from stream_app.evaluation.analogues import RANDOM, TRAILING, Evaluation, Market, Row, Space, Study, evaluate
from stream_app.evaluation.correlation import SEED, estimate, spearman
from stream_app.evaluation.volatility import following
from stream_app.regime.volatility_profile import expected_log_volatilities
from stream_app.regime.windows import min_rows

DATA = Path(__file__).parents[2] / "shared" / "data"
CACHE = Path(".bench")
GOAL = 0.55
COUNTS = (10, 50)
UNIT = "rho"
WITH_HEADLINES = "^DJI days with headlines"


def main() -> None:
    """Read the arguments, test, tell."""
    arguments = parser(__doc__, rounds=1)
    arguments.add_argument("--closes", type=Path, default=DATA / "index_closes_1985_2023.csv.gz")
    arguments.add_argument("--headlines", type=Path, help="the headlines of ^DJI, to say what the text adds")
    arguments.add_argument("--headlines-a-day", type=int, help="the first so many of a day; else all")
    given = arguments.parse_args()
    if not given.closes.exists():
        print(f"regimes: left out, as there is no {given.closes}; --closes names another file of closes.")
        return
    prices = read(given.closes)
    figures = compared(prices)
    if given.headlines is not None:
        days = session_texts(given.headlines, given.headlines_a_day, CACHE / "headlines.npz")
        figures += with_text(JointDays.of(prices["^DJI"].between(RUNS[0].history, RUNS[0].last), days), prices["^DJI"])
    report = Report(
        benchmark="regimes",
        job={"k": ", ".join(map(str, COUNTS)), "every": 3, "headlines a day": given.headlines_a_day or "all"},
        runs=len(RUNS),
        figures=figures,
        machine=machine(),
        versions=versions("numpy"),
        at=dt.datetime.now(dt.UTC),
    )
    publish(report, given.json_lines)


def compared(prices: Mapping[str, Prices]) -> list[Figure]:
    """Each vector's mean over the five runs, then the scaled model's run by run, and on what was kept for the end."""
    found = {run: tested(prices[run.instrument], run) for run in RUNS}
    figures = [_mean(TRAILING, None, found), *(_mean(name, k, found) for name in CANDIDATES for k in COUNTS)]
    figures += _interval_of_mean(found)
    figures.append(_linear({run: prices[run.instrument] for run in RUNS}))
    found |= {run: tested(prices[run.instrument], run) for run in (LONGER_DJI, FINAL)}
    for run, of_run in found.items():
        figures += _of_run(run.name, of_run, SCALED)
    return figures


def tested(prices: Prices, run: Run, more: Mapping[str, Space] | None = None) -> Evaluation:
    """All vectors on one run, and `more`."""
    rows = prices.between(run.history, run.last)
    window = rows.windows()
    has = window.rows >= min_rows(window.features.shape[1])
    spaces = {
        name: Space(rows.dates[has], vectors(window.features[has], window.rows[has]))
        for name, vectors in CANDIDATES.items()
    }
    first, last = np.datetime64(run.tested, "D"), np.datetime64(run.last, "D")
    # Seeds of their own, so that the runs' resamples have nothing to do with one another.
    seed = SEED + (RUNS.index(run) if run in RUNS else 0)
    study = Study(COUNTS, first, last, seed=seed)
    return evaluate(Market(rows.dates, rows.closes), spaces | dict(more or {}), study)


def with_text(days: JointDays, prices: Prices) -> list[Figure]:
    """What the headlines add on ^DJI: each joint space, and its halves, against the numeric model on the same days."""
    run = RUNS[0]
    found = tested(prices, run, spaces(days, np.datetime64(run.tested, "D")))
    figures = _of_run(WITH_HEADLINES, found, TRAILING) + _of_run(WITH_HEADLINES, found, SCALED)
    places = {row.k: index for index, row in enumerate(found.rows) if row.name == SCALED}
    for at, row in enumerate(found.rows):
        if row.k is None or row.name in CANDIDATES or row.name == RANDOM:
            continue
        label = f"{WITH_HEADLINES}: {row.name}, k = {row.k}"
        parts = ("", row.spearman), (f", above {SCALED}", found.correlations.above(at, places[row.k]))
        figures += [Figure(label + what, part.value, UNIT, measured=[part.low, part.high]) for what, part in parts]
    return figures


def _row(found: Evaluation, name: str, k: int | None) -> Row:
    return next(row for row in found.rows if (row.name, row.k) == (name, k))


def _mean(name: str, k: int | None, found: Mapping[Run, Evaluation]) -> Figure:
    values = [_row(each, name, k).spearman.value for each in found.values()]
    goal = GOAL if (name, k) == (SCALED, COUNTS[-1]) else None
    label = f"mean of five runs: {name}" + ("" if k is None else f", k = {k}")
    return Figure(label, float(np.mean(values)), UNIT, at_least=goal, measured=values)


def _interval_of_mean(found: Mapping[Run, Evaluation]) -> list[Figure]:
    """The scaled model's mean at the largest k, and how far it is above trailing volatility's; each run is resampled by
    itself."""
    k, runs = COUNTS[-1], list(found.values())
    places = [next(i for i, row in enumerate(each.rows) if (row.name, row.k) == (SCALED, k)) for each in runs]
    pairs = [
        (each.correlations.values[[0, place]], each.correlations.resampled[:, [0, place]])
        for each, place in zip(runs, places, strict=True)
    ]
    values = np.mean([value for value, _ in pairs], axis=0)
    resampled = np.mean([sample for _, sample in pairs], axis=0)
    figures = []
    for what, weights in ((", 95 %", np.array([0.0, 1.0])), (", above trailing, 95 %", np.array([-1.0, 1.0]))):
        part = estimate(float(values @ weights), resampled @ weights)
        label = f"mean of five runs: {SCALED}, k = {k}{what}"
        figures.append(Figure(label, part.value, UNIT, measured=[part.low, part.high]))
    return figures


def _linear(prices: Mapping[Run, Prices]) -> Figure:
    values = []
    for run, every in prices.items():
        rows = every.between(run.history, run.last)
        window = rows.windows()
        outcomes = following(rows.closes)
        days = np.flatnonzero((rows.dates >= np.datetime64(run.tested, "D")) & np.isfinite(outcomes))[::3]
        expected = expected_log_volatilities(window.features[days], window.rows[days])[:, 1]
        values.append(spearman(expected, outcomes[days]))
    return Figure(f"mean of five runs: {SCALED}, linear", float(np.mean(values)), UNIT, measured=values)


def _of_run(name: str, found: Evaluation, model: str) -> list[Figure]:
    """One forecast's correlation and how far it is above trailing volatility's; what is measured is the interval."""
    figures = []
    for row in found.rows:
        if row.name != model:
            continue
        label = f"{name}: {model}" + ("" if row.k is None else f", k = {row.k}")
        parts = [("", row.spearman), (", above trailing", row.above_trailing)]
        for what, part in parts if row.k is not None else parts[:1]:
            figures.append(Figure(label + what, part.value, UNIT, measured=[part.low, part.high]))
    return figures


if __name__ == "__main__":
    main()
