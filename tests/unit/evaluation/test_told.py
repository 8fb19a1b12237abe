"""What is told of an evaluation, in each form."""

import csv
import datetime as dt
import io
import json
from dataclasses import replace

import numpy as np

from stream_app.evaluation import told
from stream_app.evaluation.analogues import Evaluation, Row, Study
from stream_app.evaluation.correlation import Correlations, Estimate
from stream_app.evaluation.fits import Fit
from stream_app.evaluation.stored import Answer, Judged, Question

NONE = Estimate(0.0, 0.0, 0.0)
ROWS = (
    Row("trailing volatility", None, Estimate(0.5, 0.4, 0.6), NONE, None, None, {}),
    Row("scaled", 50, Estimate(0.55559, 0.45, 0.65), Estimate(0.05, -0.01, 0.11), 0.005, 0.99, {"core": 0.25}),
    Row("core", 50, Estimate(0.15, -0.1, 0.3), Estimate(-0.35, -0.5, -0.2), 0.4, float("nan"), {"scaled": 0.25}),
)
RESAMPLED = Correlations(np.zeros(3), np.zeros((1, 3)))
TESTED = np.array(["2012-01-03", "2012-01-06", "2016-06-01"], "datetime64[D]")
JUDGED = {
    "scaled": Judged(Fit((dt.date(2008, 6, 9), dt.date(2011, 12, 30))), 1),
    "core": Judged(Fit(unknown="it stands in no models file"), None),
}
ANSWER = Answer(Evaluation(ROWS, TESTED, RESAMPLED), {"core": 3.04e-10}, JUDGED)
QUESTION = Question(("scaled", "core"), "US", "^DJI", Study())


def test_every_record_has_the_same_keys_and_nothing_is_made_up() -> None:
    trailing, scaled, core = told.records(ANSWER)
    assert list(trailing) == list(scaled) == list(core)
    assert (scaled["spearman"], scaled["overlap core"], scaled["text_share"]) == (0.5556, 0.25, None)
    assert (core["text_share"], core["stability"], core["overlap core"]) == (3.04e-10, None, None)
    assert (trailing["k"], trailing["stability"]) == (None, None)


def test_csv_has_a_line_a_forecast_and_leaves_empty_what_is_not_known() -> None:
    rows = list(csv.DictReader(io.StringIO(told.as_csv(ANSWER))))
    assert [row["forecast"] for row in rows] == ["trailing volatility", "scaled", "core"]
    assert (rows[0]["k"], rows[2]["text_share"], rows[1]["text_share"]) == ("", "3.04e-10", "")


def test_json_tells_what_was_asked_and_on_which_days() -> None:
    found = json.loads(told.as_json(ANSWER, QUESTION))
    assert (found["days"], found["first"], found["last"]) == (3, "2012-01-03", "2016-06-01")
    assert (found["region"], found["instrument"], found["every"]) == ("US", "^DJI", 3)
    assert found["forecasts"] == told.records(ANSWER)


def test_in_a_table_an_interval_stands_beside_its_figure() -> None:
    header, rows = told.as_cells(ANSWER)
    assert header == (
        "forecast",
        "k",
        "spearman",
        "above trailing",
        "p",
        "in sample",
        "stability",
        "text share",
        "overlap core",
        "overlap scaled",
    )
    assert rows[1] == ("scaled", "50", "0.56 [0.45, 0.65]", "0.05 [-0.01, 0.11]", "0.005", "1", "0.99", "", "0.25", "")
    assert (rows[0][4:6], rows[2][5], rows[2][7]) == (("", "0"), "?", "3.04e-10")


def test_every_form_says_where_a_model_is_in_sample_and_where_nobody_knows() -> None:
    trailing, scaled, core = told.records(ANSWER)
    fit = ("fitted_first", "fitted_last", "in_sample_days")
    assert [trailing[key] for key in fit] == [None, None, 0]
    assert [scaled[key] for key in fit] == ["2008-06-09", "2011-12-30", 1]
    assert [core[key] for key in fit] == [None, None, None]
    of_scaled, of_core = told.notes(ANSWER)
    assert of_scaled.startswith("scaled was fitted on days from 2008-06-09 to 2011-12-30. Of the 3 tested days 1 do")
    assert of_core == "On which days core was fitted is not known: it stands in no models file."
    later = replace(ANSWER, judged={"scaled": Judged(JUDGED["scaled"].fit, 0)})
    assert told.notes(later) == []
