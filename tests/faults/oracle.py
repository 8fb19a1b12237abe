"""What a run must come to: a batch recomputation from the raw topics, in plain numpy, of PARITY.md and DESIGN.md.

Independent of the product on purpose: of it only the schemas are imported, by which records are decoded. Where a rule
is stated twice, here and there, a mistake in either shows.
"""

import datetime as dt
import hashlib
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar

import exchange_calendars
import numpy as np
import pandas as pd

from schemas import (
    DAY_TRIGGERS,
    Codec,
    DayTrigger,
    Definition,
    InstrumentWindow,
    NewsArticle,
    PriceClose,
    Rejected,
    TextEmbedded,
    encode,
)
from schemas.topics import DAY_CLOSES, NEWS, PRICES, TEXT
from tests.faults.observed import Observed, Record
from tests.faults.origins import ORIGIN_HEADER, Position, origin_of
from tests.faults.spaces import CORE, DIM, TEXT_MODEL_ID, Floats, Space
from tests.faults.text_model import BREAKING_WORDS

WINDOW_ROWS = 63
LEAST_ROWS = 54
LOOKBACK = dt.timedelta(days=3 * WINDOW_ROWS)
ONE_DAY = dt.timedelta(days=1)
AHEAD_DAYS = 7
CALENDAR_MARGIN = dt.timedelta(days=40)

Event = TypeVar("Event")


@dataclass(frozen=True, slots=True)
class Version(Generic[Event]):
    """A good record; `timestamp_ms` is never lower than its predecessor's in the partition.

    `origin` is the position where it first stood, of a record that was sent again.
    """

    event: Event
    timestamp_ms: int
    partition: int
    offset: int
    origin: Position | None = None

    @property
    def position(self) -> Position:
        """Where it stands: cuts go by its offset."""
        return self.timestamp_ms, self.partition, self.offset

    @property
    def place(self) -> tuple[Position, Position]:
        """Of two versions of a key the one with the higher place is current."""
        return self.origin or self.position, self.position


@dataclass(frozen=True, slots=True)
class Log(Generic[Event]):
    """An input topic told apart: the good records, and those that belong in the dead letters."""

    good: list[Version[Event]]
    bad: list[Record]


def decoded(
    records: Iterable[Record], codec: Codec[Event], key_of: Callable[[Event], str], sent_again: bool = True
) -> Log[Event]:
    """Every record of a topic, partition by partition in offset order; of some topics none is ever sent again."""
    good, bad = [], []
    newest_ms: dict[int, int] = defaultdict(int)
    for record in records:
        newest_ms[record.partition] = max(newest_ms[record.partition], record.timestamp)
        position = newest_ms[record.partition], record.partition, record.offset
        headers = [value for name, value in record.headers if name == ORIGIN_HEADER]
        origin = origin_of(record, position, headers[0]) if len(headers) == 1 and sent_again else None
        event = codec.decode(record.value)
        if (
            isinstance(event, Rejected)
            or record.key != key_of(event).encode()
            or unusable(event, record.timestamp)
            or (headers and origin is None)
        ):
            bad.append(record)
        else:
            good.append(Version(event, *position, origin))
    return Log(good, bad)


def unusable(event: object, timestamp_ms: int) -> bool:
    """Whether an input lies over a week after its record's time, or breaks the text model. Retractions never do."""
    received = dt.datetime.fromtimestamp(timestamp_ms / 1000, dt.UTC)
    match event:
        case PriceClose(retracted=False, trade_date=day):
            return (day - received.date()).days > AHEAD_DAYS
        case NewsArticle(retracted=False, published_at=dt.datetime() as published):
            too_far = published - received > AHEAD_DAYS * ONE_DAY
            return too_far or any(word in text_of(event) for word in BREAKING_WORDS)
    return False


@dataclass(frozen=True, slots=True)
class Row:
    """A day's price of one instrument."""

    day: dt.date
    close: float
    volume: float


@dataclass(frozen=True, slots=True)
class Window:
    """A numeric window: how many rows were observed, the newest one's date, and the vector (None: too few rows)."""

    rows: int
    last_date: dt.date | None
    vector: Floats | None


def window(rows: Sequence[Row], as_of: dt.date, space: Space) -> Window:
    """PARITY.md's window as of a day, from one instrument's rows in date order, with its vector in a space."""
    last = [row for row in rows if as_of - LOOKBACK <= row.day <= as_of][-WINDOW_ROWS:]
    if len(last) < LEAST_ROWS:
        return Window(len(last), last[-1].day if last else None, None)
    missing = WINDOW_ROWS - len(last)
    closes = np.array([row.close for row in last] + [float(np.float32(last[-1].close))] * missing)
    volumes = np.array([row.volume for row in last] + [last[-1].volume] * missing)
    returns = np.concatenate([[0.0], np.log(closes[1:] / closes[:-1])])
    numbers = np.stack([closes, volumes, returns], axis=1).astype(np.float32)
    return Window(len(last), last[-1].day, space.embed(numbers, len(last)))


def mean(vectors: Sequence[Floats]) -> Floats:
    """The mean, summed in float64 in this order."""
    total = np.zeros(DIM, np.float64)
    for vector in vectors:
        total += vector
    return (total / len(vectors)).astype(np.float32)


def text_of(article: NewsArticle) -> str:
    """COALESCE(headline || ' ' || body, body, headline)."""
    if article.headline is None:
        return article.body or ""
    return article.headline if article.body is None else article.headline + " " + article.body


def hash_of(article: NewsArticle) -> bytes:
    """sha256 of the text in UTF-8."""
    return hashlib.sha256(text_of(article).encode("utf-8")).digest()


def news_date_of(article: NewsArticle) -> dt.date | None:
    """The day of an article under the rule utc_date: UTC's, or its own where only a date is known."""
    if article.published_at is None:
        return None
    if article.time_precision == "date":
        return article.published_at.date()
    return article.published_at.astimezone(dt.UTC).date()


@dataclass(frozen=True, slots=True)
class Calendar:
    """The closes of an exchange's sessions by day, ascending, UTC."""

    closes: Mapping[dt.date, dt.datetime]

    def news_window(self, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
        """After the previous session's close, until this one's (or the next midnight of a day that is no session)."""
        after = max(close for session, close in self.closes.items() if session < day)
        midnight = dt.datetime.combine(day + ONE_DAY, dt.time(), dt.UTC)
        return after, self.closes.get(day, midnight)


@cache
def calendar(name: str, first: dt.date, last: dt.date) -> Calendar:
    """An exchange's calendar around some days."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # exchange_calendars calls what pandas 4 will drop
        built = exchange_calendars.get_calendar(
            name, start=pd.Timestamp(first - CALENDAR_MARGIN), end=pd.Timestamp(last + CALENDAR_MARGIN)
        )
        return Calendar({session.date(): close.to_pydatetime() for session, close in built.closes.items()})


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a context is a function of. Two triggers of a day with equal `signature` make one revision."""

    instruments: tuple[tuple[str, int, dt.date | None], ...]
    numeric: tuple[Floats, ...]
    articles: tuple[tuple[str, bytes], ...]
    definition: Definition
    stale: bool
    absent_reason: str | None

    @property
    def signature(self) -> tuple[object, ...]:
        """What decides whether the inputs changed."""
        windows = tuple(vector.tobytes() for vector in self.numeric)
        return self.instruments, windows, self.articles, repr(self.definition), self.stale, self.absent_reason


@dataclass(frozen=True, slots=True)
class Revision:
    """A context that must be stored and published. `numeric` is the mean window vector, None without one."""

    trigger: Version[DayTrigger]
    revision: int
    inputs: Inputs
    inputs_hash: str
    numeric: Floats | None
    vector: Floats | None


class Oracle:
    """The recomputation of one run, with windows and contexts of one joint space."""

    def __init__(self, observed: Observed, space: Space = CORE) -> None:
        self._prefix, self.space = observed.prefix, space
        self.prices: Log[PriceClose] = decoded(observed.logs[PRICES.name], Codec(PriceClose), lambda e: e.instrument_id)
        self.news: Log[NewsArticle] = decoded(observed.logs[NEWS.name], Codec(NewsArticle), lambda e: e.article_id)
        self.triggers = decoded(observed.logs[DAY_CLOSES.name], DAY_TRIGGERS, lambda e: e.region, sent_again=False)
        self.text_vectors = _text_vectors(observed.logs[TEXT.name])
        days = [version.event.as_of for version in self.triggers.good]
        self._fingerprints = {row["model_id"]: row["fingerprint"] for row in observed.tables["models"]}
        self._days = (min(days), max(days)) if days else (dt.date.min, dt.date.max)
        self._prices_of: dict[str, list[Version[PriceClose]]] = defaultdict(list)
        for version in self.prices.good:
            self._prices_of[version.event.instrument_id].append(version)

    def current_prices(self) -> dict[tuple[str, dt.date], Version[PriceClose]]:
        """The newest version of every row."""
        return newest(self.prices.good, lambda e: (e.instrument_id, e.trade_date))

    def current_news(self) -> dict[str, Version[NewsArticle]]:
        """The newest version of every article."""
        return newest(self.news.good, lambda e: e.article_id)

    def windows(self) -> dict[tuple[str, dt.date], Window]:
        """The window as of every row that has enough rows before it."""
        found = {}
        for instrument_id in self._prices_of:
            rows = self._rows(instrument_id, None)
            for index, row in enumerate(rows):
                # no window holds rows that are further back than it is long
                made = window(rows[max(0, index + 1 - WINDOW_ROWS) : index + 1], row.day, self.space)
                if made.vector is not None:
                    found[instrument_id, row.day] = made
        return found

    def first_triggers(self) -> list[Version[DayTrigger]]:
        """The triggers in the log's order; of several copies the first."""
        found: dict[tuple[str, dt.date, int], Version[DayTrigger]] = {}
        for trigger in sorted(self.triggers.good, key=lambda t: t.position):
            found.setdefault((trigger.event.region, trigger.event.as_of, trigger.event.number), trigger)
        return list(found.values())

    def revisions(self) -> list[Revision]:
        """Every revision that the triggers make, in their order."""
        made = []
        last: dict[tuple[str, dt.date], tuple[int, tuple[object, ...]]] = {}
        for trigger in self.first_triggers():
            key = trigger.event.region, trigger.event.as_of
            inputs = self.inputs(trigger.event, at_the_end=False)
            number, signature = last.get(key, (0, ()))
            if inputs.signature != signature:
                last[key] = number + 1, inputs.signature
                made.append(self._revision(trigger, number + 1, inputs))
        return made

    def inputs(self, trigger: DayTrigger, at_the_end: bool) -> Inputs:
        """The inputs below the trigger's cut, or all of them `at_the_end` of the topics."""
        definition = trigger.definition
        cut = None if at_the_end else self._cut(trigger, PRICES.name)
        windows = {name: window(self._rows(name, cut), trigger.as_of, self.space) for name in definition.instruments}
        priced = any(made.last_date == trigger.as_of for made in windows.values())
        enough = {name: made for name, made in windows.items() if made.vector is not None}
        articles = self._articles(trigger, None if at_the_end else self._cut(trigger, NEWS.name))
        return Inputs(
            instruments=tuple((name, made.rows, made.last_date) for name, made in enough.items()),
            numeric=tuple(made.vector for made in enough.values() if made.vector is not None),
            articles=articles,
            definition=definition,
            stale=not priced,
            absent_reason=_absent_reason(priced, trigger.allow_stale, bool(enough), bool(articles)),
        )

    def inputs_hash(self, inputs: Inputs) -> str:
        """DESIGN.md's: of the definition, the models, the outcome's kind, the windows and which articles they are."""
        digest = hashlib.sha256(encode(inputs.definition))
        for model_id in (self.space.numeric_model_id, TEXT_MODEL_ID, self.space.joint_model_id):
            digest.update(f"|{model_id}={self._fingerprints[model_id]}".encode())
        digest.update(f"|stale={inputs.stale}|absent={inputs.absent_reason}|".encode())
        for (name, rows, last_date), vector in zip(inputs.instruments, inputs.numeric, strict=True):
            assert last_date is not None
            digest.update(encode(InstrumentWindow(instrument_id=name, rows=rows, last_date=last_date)))
            digest.update(vector.tobytes())
        digest.update(encode(list(inputs.articles)))
        return digest.hexdigest()

    def _revision(self, trigger: Version[DayTrigger], number: int, inputs: Inputs) -> Revision:
        numeric = mean(inputs.numeric) if inputs.absent_reason in (None, "no-news") else None
        vector = None
        if numeric is not None and inputs.absent_reason is None:
            text = mean([self.text_vectors[content_hash] for _, content_hash in inputs.articles])
            vector = self.space.join(numeric, text, len(inputs.articles))
        return Revision(trigger, number, inputs, self.inputs_hash(inputs), numeric, vector)

    def _cut(self, trigger: DayTrigger, topic: str) -> Sequence[int]:
        return trigger.cut[self._prefix + topic].offsets

    def _rows(self, instrument_id: str, cut: Sequence[int] | None) -> list[Row]:
        current = newest(below(self._prices_of[instrument_id], cut), lambda e: e.trade_date)
        events = [version.event for _, version in sorted(current.items()) if not version.event.retracted]
        return [Row(e.trade_date, e.close, e.volume) for e in events if e.close is not None and e.volume is not None]

    def _articles(self, trigger: DayTrigger, cut: Sequence[int] | None) -> tuple[tuple[str, bytes], ...]:
        current = newest(below(self.news.good, cut), lambda e: e.article_id)
        standing = [v.event for v in current.values() if not v.event.retracted and self._counts(v.event, trigger)]
        return tuple(sorted((article.article_id, hash_of(article)) for article in standing))

    def _counts(self, article: NewsArticle, trigger: DayTrigger) -> bool:
        definition, published = trigger.definition, article.published_at
        if article.language is None or article.language.upper() not in [x.upper() for x in definition.languages]:
            return False
        names = {trigger.region} | ({"GB"} if trigger.region == "UK" else set())
        if definition.news == "tagged" and article.regions and not names & set(article.regions):
            return False
        if definition.news_day == "utc_date":
            return news_date_of(article) == trigger.as_of
        after, until = calendar(definition.calendar, *self._days).news_window(trigger.as_of)
        return published is not None and after < published <= until


Key = TypeVar("Key")


def newest(versions: Iterable[Version[Event]], key_of: Callable[[Event], Key]) -> dict[Key, Version[Event]]:
    """The version with the highest place of each key."""
    found: dict[Key, Version[Event]] = {}
    for version in versions:
        key = key_of(version.event)
        if key not in found or version.place > found[key].place:
            found[key] = version
    return found


def below(versions: Iterable[Version[Event]], cut: Sequence[int] | None) -> Iterable[Version[Event]]:
    """The versions below a cut; None takes all."""
    return versions if cut is None else (v for v in versions if v.offset < cut[v.partition])


def _absent_reason(priced: bool, allow_stale: bool, enough_rows: bool, news: bool) -> str | None:
    if not priced and (not allow_stale or not enough_rows):
        return "no-price"
    if not enough_rows:
        return "insufficient-prices"
    return None if news else "no-news"


def _text_vectors(records: Iterable[Record]) -> dict[bytes, Floats]:
    """The first vector of each content on the topic."""
    found: dict[bytes, Floats] = {}
    codec: Codec[TextEmbedded] = Codec(TextEmbedded)
    for record in records:
        event = codec.decode(record.value)
        if not isinstance(event, Rejected):
            found.setdefault(bytes.fromhex(event.content_hash), np.frombuffer(event.vector.data, "<f4"))
    return found
