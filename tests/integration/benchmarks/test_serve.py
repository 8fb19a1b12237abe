"""The servers of benchmarks/serve.py start, answer full pages of the same days, and are measured."""

from dataclasses import replace

import pytest

from benchmarks import serve
from benchmarks.serving.days import StoredDays
from stream_app.embedded import Endpoints


def test_every_server_answers_and_is_measured(
    endpoints: Endpoints, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "WARM_SECONDS", 0.0)
    report = serve.run(replace(endpoints, database_url=database_url), StoredDays(["R0"], 150), 1, 0.1)
    figures = {figure.name: figure.value for figure in report.figures}
    assert all(value > 0 for value in figures.values()), figures
    for server in (serve.SERVE, serve.PEER, serve.BARE):
        assert {server, f"{server}, processor time", f"{server} at 200 /s, p99"} <= set(figures)
    assert report.job["days a page"] == 100
