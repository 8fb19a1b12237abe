"""An evaluation as records of one form, for a table, JSON or CSV."""

import csv
import io
import json
import math
from collections.abc import Sequence

from stream_app.evaluation.analogues import Row
from stream_app.evaluation.fits import Fit
from stream_app.evaluation.stored import Answer, Judged, Question
from stream_app.evaluation.volatility import HORIZON_SESSIONS

DECIMALS = 4
NOT_KNOWN = "?"

Record = dict[str, object]


def records(answer: Answer) -> list[Record]:
    """A record a forecast, all with the same keys; None where something cannot be said of it."""
    others = sorted({name for row in answer.evaluation.rows for name in row.overlaps})
    return [_record(row, answer, others) for row in answer.evaluation.rows]


def notes(answer: Answer) -> list[str]:
    """A sentence or two on each model that is in sample on some of the tested days, or of which that is not known."""
    days = answer.evaluation.days
    return [note for name, judged in answer.judged.items() if (note := _note(name, judged, days))]


def as_csv(answer: Answer) -> str:
    """The header and a line a forecast, without the last line's end."""
    found = records(answer)
    written = io.StringIO()
    rows = csv.DictWriter(written, list(found[0]), lineterminator="\n")
    rows.writeheader()
    rows.writerows(found)
    return written.getvalue().removesuffix("\n")


def as_json(answer: Answer, question: Question) -> str:
    """An object: what was asked, the days on which it was tested, and the forecasts' records."""
    asked = {"region": question.region, "instrument": question.instrument, "every": question.study.every_sessions}
    days = {
        "days": answer.evaluation.days,
        "first": str(answer.evaluation.first),
        "last": str(answer.evaluation.last),
    }
    return json.dumps(asked | days | {"forecasts": records(answer)}, indent=1, allow_nan=False)


def as_cells(answer: Answer) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """The header and rows of text for a table: an interval stands beside its figure."""
    found = records(answer)
    overlaps = [key for key in found[0] if key.startswith("overlap ")]
    header = ("forecast", "k", "spearman", "above trailing", "p", "in sample", "stability", "text share", *overlaps)
    rows = [
        (
            str(each["forecast"]),
            _shown(each["k"]),
            _interval(each, "spearman"),
            _interval(each, "above_trailing"),
            _shown(each["p_value"]),
            NOT_KNOWN if each["in_sample_days"] is None else f"{each['in_sample_days']:,}",
            *(_shown(each[key]) for key in ("stability", "text_share", *overlaps)),
        )
        for each in found
    ]
    return header, rows


def _note(name: str, judged: Judged, tested: int) -> str | None:
    if judged.fit.unknown is not None:
        return f"On which days {name} was fitted is not known: {judged.fit.unknown}."
    if not judged.in_sample_days or judged.fit.days is None:
        return None
    first, last = judged.fit.days
    return (
        f"{name} was fitted on days from {first} to {last}. Of the {tested:,} tested days {judged.in_sample_days:,} do "
        f"not lie over {HORIZON_SESSIONS} sessions after these: there it is in sample, and looks better than it is. "
        "--after-fit tests later days alone."
    )


def _record(row: Row, answer: Answer, others: Sequence[str]) -> Record:
    judged = answer.judged.get(row.name, Judged(Fit(), 0))
    first, last = judged.fit.days or (None, None)
    return {
        "forecast": row.name,
        "k": row.k,
        "spearman": _rounded(row.spearman.value),
        "spearman_low": _rounded(row.spearman.low),
        "spearman_high": _rounded(row.spearman.high),
        "above_trailing": _rounded(row.above_trailing.value),
        "above_trailing_low": _rounded(row.above_trailing.low),
        "above_trailing_high": _rounded(row.above_trailing.high),
        "p_value": _rounded(row.p_value),
        "stability": _rounded(row.stability),
        "text_share": _significant(answer.text_shares.get(row.name)),
        "fitted_first": None if first is None else str(first),
        "fitted_last": None if last is None else str(last),
        "in_sample_days": judged.in_sample_days,
        **{f"overlap {other}": _rounded(row.overlaps.get(other)) for other in others},
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, DECIMALS)


def _significant(value: float | None) -> float | None:
    """A share may be 3e-10: digits count, not decimals."""
    return None if value is None else float(f"{value:.3g}")


def _shown(value: object) -> str:
    return "" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


def _interval(record: Record, name: str) -> str:
    return f"{record[name]:.2f} [{record[f'{name}_low']:.2f}, {record[f'{name}_high']:.2f}]"
