"""What `ingest` says at its end is no more than what it knows."""

import datetime as dt

import pytest

from stream_app.cli.ingesting import _tell_closed, _tell_stopped
from stream_app.ingest.display import report_line
from stream_app.ingest.job import Closed
from stream_app.ingest.report import Report
from stream_app.ingest.waiting import Waited

DAYS = [dt.date(2008, 9, 15), dt.date(2008, 9, 16), dt.date(2008, 9, 17)]


def told(closed: int, capsys: pytest.CaptureFixture[str]) -> str:
    _tell_closed(Closed({"US": DAYS}, {"US": closed}, Waited.DONE))
    return capsys.readouterr().out


def test_days_that_were_closed_before_are_not_said_to_know_the_new_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert "closed before" not in told(3, capsys)
    assert "1 covered days were closed before: where these rows change one" in told(2, capsys)
    assert "3 covered days were closed before" in told(0, capsys)


def test_articles_that_no_region_reads_are_named_in_the_report() -> None:
    assert "count on no day" not in report_line(Report(read=3, sent=3))
    assert "2 articles name no language that a region reads" in report_line(Report(read=3, sent=3, unread=2))


SAFE = "It is safe to repeat the command: rows that are sent twice do no harm.\n"
MAYBE = "Up to 5,000 rows more may have arrived: they were sent, but not acknowledged yet.\n"


@pytest.mark.parametrize(
    ("report", "said", "complained"),
    [
        (Report(), "", "Nothing was sent.\n"),
        (Report(under_way=5_000), "", MAYBE + SAFE),
        (Report(read=7, sent=7), "7 rows read: 7 sent, 0 rejected (0 rows/s).\n", SAFE),
        (Report(read=7, sent=7, under_way=5_000), "7 rows read: 7 sent, 0 rejected (0 rows/s).\n", MAYBE + SAFE),
    ],
)
def test_rows_that_were_on_their_way_when_it_ended_are_not_said_to_be_there_nor_not_to_be(
    report: Report, said: str, complained: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _tell_stopped(report)
    assert capsys.readouterr() == (said, complained)
