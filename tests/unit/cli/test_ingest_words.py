"""What `ingest` says at its end is no more than what it knows."""

import datetime as dt

import pytest
from pydantic import SecretStr

from stream_app.cli.ingesting import _run, _tell_closed, _tell_stopped
from stream_app.config import Settings
from stream_app.errors import UsageError
from stream_app.ingest.display import report_line
from stream_app.ingest.job import Closed, Job
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


@pytest.mark.parametrize("read", [0, 7])
def test_a_request_that_is_refused_after_rows_were_sent_takes_nothing_from_their_report(
    read: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async def closing_is_refused(job: Job) -> Closed | None:
        job.report.read = job.report.sent = read
        raise UsageError("The log holds closed days that this database has not read.")

    nowhere = Settings(kafka_url="127.0.0.1:1", database_url=SecretStr("postgresql://127.0.0.1:1/d"))
    with pytest.raises(UsageError):
        _run(nowhere, closing_is_refused, close_days=False)
    told = ("7 rows read: 7 sent, 0 rejected (0 rows/s).\n", SAFE) if read else ("", "")
    assert capsys.readouterr() == told
