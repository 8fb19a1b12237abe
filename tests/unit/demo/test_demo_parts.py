"""The demo's parts on made-up days: likeness, tables, the picture, and the folder that is wiped."""

import datetime as dt
import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from schemas import DIM, Definition, JointRegimeContext, NewsArticle, Vector
from stream_app.config import Settings
from stream_app.demo.analogues import Story, story
from stream_app.demo.chart import draw
from stream_app.demo.place import FOLDER, fresh_place
from stream_app.demo.sample_days import check_comparable
from stream_app.demo.tables import days_alike, last_contexts, what_next
from stream_app.errors import UsageError
from stream_app.store.prices import Series

PNG = b"\x89PNG\r\n\x1a\n"
MONDAY = dt.date(2008, 9, 15)
DAYS = [MONDAY + dt.timedelta(days=offset) for offset in range(4)]
DEFINITION = Definition(calendar="XNYS", instruments=("SPX.US",), languages=("EN",), news="all", news_day="session")
VOLUME = 1e9


def axis(*numbers: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    vector = np.zeros(DIM, np.float32)
    vector[: len(numbers)] = numbers
    return vector


TEXTS = np.stack([axis(1, 0), axis(0, 1), axis(1, 0.1), axis(1, 1)])


def context(day: dt.date, with_vector: bool = True) -> JointRegimeContext:
    closed = dt.datetime.combine(day, dt.time(20, 15), dt.UTC)
    vector = Vector.of(TEXTS[DAYS.index(day)] + axis(0, 0, VOLUME)) if with_vector else None
    return JointRegimeContext(
        event_id="0" * 32,
        region="US",
        as_of=day,
        model_id="joint-regime-core-v1",
        revision=1,
        trigger_number=1,
        closed_at=closed,
        known_at=closed,
        numeric_model_id="num-regime-core-v1",
        text_model_id="text-fin-general-v1",
        definition=DEFINITION,
        instruments=(),
        numeric_last_date=day,
        stale=False,
        articles=2 if with_vector else 0,
        regime_label="NEUTRAL",
        regime_confidence=1.0,
        inputs_hash="x",
        absent_reason=None if with_vector else "no-news",
        vector=vector,
    )


@pytest.fixture
def compared() -> Story:
    articles = [
        [NewsArticle(article_id=f"{day}-{n}", headline=f"[{day}] event {n}", retracted=True) for n in range(3)]
        for day in DAYS
    ]
    return story("US", MONDAY, [context(day) for day in DAYS], articles, TEXTS)


def shown(result: object) -> str:
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(result)
    return console.export_text()


def test_days_are_in_order_of_their_texts_likeness_without_the_chosen_one(compared: Story) -> None:
    assert compared.most_alike(2) == [2, 3]
    assert compared.most_alike(10) == [2, 3, 1]


def test_a_large_volume_makes_every_joint_vector_alike_and_the_table_says_so(compared: Story) -> None:
    assert compared.joint_cosines == pytest.approx(1.0)
    told = shown(days_alike(compared))
    assert "volume rules them: for 95 % of all days it is above 1.00." in " ".join(told.split())
    assert told.index(f"[{DAYS[2]}] event 0") < told.index(f"[{DAYS[3]}] event 0")
    assert "… and 1 more" in told


def test_the_last_contexts_say_why_one_is_absent() -> None:
    contexts = {("US", day): context(day, with_vector=day != DAYS[-1]) for day in DAYS}
    told = shown(last_contexts(contexts))
    assert "no-news" in told
    assert "1,000,000,000" in told


def test_the_picture_is_a_png(tmp_path: Path, compared: Story) -> None:
    series = Series.of(DAYS[:3], [1200.0, 1210.0, 1190.0], [1.0, 1.0, 1.0])
    draw(tmp_path / "chart.png", "SPX.US", series, compared)
    assert (tmp_path / "chart.png").read_bytes().startswith(PNG)


def test_what_to_type_next_can_be_pasted_for_any_folder() -> None:
    told = what_next(
        "stream-app", Path("my data/demo"), "http://127.0.0.1:8765/#region=US", Path("my models.toml"), "US"
    )
    assert "stream-app --data-dir 'my data/demo' up --detach" in told
    assert "serve               # then open http://127.0.0.1:8765/#region=US" in told
    assert "STREAM_APP_MODELS_FILE='my models.toml' stream-app --data-dir 'my data/demo' worker" in told


def test_only_what_a_demo_made_is_wiped(tmp_path: Path) -> None:
    with fresh_place(tmp_path) as place:
        (place.folder / "old").touch()
    with fresh_place(tmp_path) as place:
        assert not (place.folder / "old").exists()
    mine = tmp_path / "other" / FOLDER / "thesis.txt"
    mine.parent.mkdir(parents=True)
    mine.touch()
    with pytest.raises(UsageError, match="holds what no demo made"), fresh_place(tmp_path / "other"):
        pass
    assert mine.exists()


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    with (
        fresh_place(tmp_path),
        pytest.raises(UsageError, match="Another demo is running in"),
        fresh_place(tmp_path),
    ):
        pass


@pytest.mark.parametrize(
    ("region", "day", "told"),
    [
        ("US", dt.date(2008, 9, 13), "days near it that have both are 2008-09-10, 2008-09-15"),
        ("US", dt.date(2020, 3, 16), "days near it that have both are 2009-12"),
        ("UK", MONDAY, "The sample has no prices of UK"),
        ("XX", MONDAY, "There is no region XX"),
    ],
)
def test_a_day_that_cannot_be_compared_is_refused_before_anything_starts(region: str, day: dt.date, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        check_comparable(Settings(), region, day)


@pytest.mark.parametrize("region", ["US", "EU", "JP"])
def test_the_chosen_day_can_be_compared_in_every_region_of_the_sample(region: str) -> None:
    check_comparable(Settings(), region, MONDAY if region != "JP" else dt.date(2008, 9, 16))
