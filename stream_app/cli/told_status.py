"""How the status is told: as sections that fit a terminal of 80 columns, or as an object."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.segment import SegmentLines
from rich.table import Table
from rich.text import Text

from stream_app.config import Settings
from stream_app.logs import without_credentials
from stream_app.status.facts import (
    ModelFacts,
    PipelineFacts,
    RegionFacts,
    RegionState,
    StageFacts,
    Unanswered,
    Waiting,
)
from stream_app.status.looking import Places
from stream_app.status.problems import Problem, problems
from stream_app.status.telling import days_told, span_told, waiting_told
from stream_app.store.standing import LastContext

UNKNOWN = "?"
NONE = "-"
STYLES = {RegionState.OPEN: "green", RegionState.CLOSING: "yellow", RegionState.CLOSED: ""}


@dataclass(frozen=True, slots=True)
class Service:
    """A service, whether it is the embedded one, where it is (None: nowhere yet), and why it does not answer."""

    name: str
    embedded: bool
    where: str | None
    unanswered: Unanswered | None


@dataclass(frozen=True, slots=True)
class Status:
    """What is told of one look."""

    facts: PipelineFacts
    services: Sequence[Service]
    problems: Sequence[Problem]

    @classmethod
    def of(cls, facts: PipelineFacts, places: Places, settings: Settings) -> "Status":
        """What was found at these places, judged by these settings."""
        kafka = None if isinstance(places.kafka, Unanswered) else places.kafka.servers
        database = None if isinstance(places.database_url, Unanswered) else without_credentials(places.database_url)
        services = [
            Service("Kafka", settings.kafka_url is None, kafka, facts.kafka),
            Service("Postgres", settings.database_url is None, database, facts.postgres),
        ]
        return cls(facts, services, problems(facts, settings))


def as_sections(status: Status) -> RenderableType:
    """Everything, what is wrong first."""
    stored = status.facts.stored
    sections: list[tuple[str, RenderableType]] = [
        ("Services", _services(status.services)),
        ("Stages", _stages(status.facts.stages)),
    ]
    if stored is not None:
        sections += [
            ("Regions", _regions(stored.regions)),
            ("Last contexts", _contexts(stored.contexts)),
            ("Models in use", _models(stored.models)),
        ]
    if status.problems:
        sections.insert(0, ("Problems", _problems(status.problems)))
    parts: list[RenderableType] = [_headline(status)]
    for title, content in sections:
        parts += [Text(), Text(title, "bold"), content]
    return Group(*parts)


def on_a_screen(console: Console, status: Status) -> RenderableType:
    """As many of the sections' lines as the screen has room for, and how many are left out."""
    lines = console.render_lines(as_sections(status), pad=False)
    if len(lines) <= console.height:
        return SegmentLines(lines, new_lines=True)
    room = console.height - 1
    more = Text(f"… {len(lines) - room} lines more: make the window taller.", "bold", no_wrap=True)
    return Group(SegmentLines(lines[:room], new_lines=True), more)


def _headline(status: Status) -> Text:
    count = len(status.problems)
    told = "1 problem" if count == 1 else f"{count} problems"
    verdict = (told, "bold red") if count else ("all well", "bold green")
    return Text.assemble(f"stream-app at {status.facts.at:%Y-%m-%d %H:%M:%S} UTC: ", verdict)


def _problems(found: Sequence[Problem]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in found:
        table.add_row(Text("!", "bold red"), Text(each.sentence))
        if each.todo is not None:
            table.add_row("", Text(each.todo, "cyan"))
    return table


def _table(*columns: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column in right else "left")
    return table


def _services(services: Sequence[Service]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for each in services:
        answers = ("answers", "green") if each.unanswered is None else (_unusable(each, each.unanswered), "red")
        own = "embedded" if each.embedded else "your own"
        table.add_row(each.name, Text(*answers), own, Text(each.where or NONE, overflow="fold"))
    return table


def _unusable(service: Service, unanswered: Unanswered) -> str:
    if service.where is None:
        return "does not run"
    return "does not answer" if unanswered.away else "cannot be used"


def _stages(stages: Sequence[StageFacts]) -> Table:
    table = _table("stage", "reads", "workers", "lag", "last moved", right=("workers", "lag"))
    for each in stages:
        members = Text(UNKNOWN if each.members is None else str(each.members), "red" if each.members == 0 else "")
        table.add_row(each.stage, each.topic, members, _lag(each), _moved(each))
    return table


def _lag(stage: StageFacts) -> str:
    if stage.lag is None:
        return UNKNOWN
    behind = [each.partition for each in stage.partitions if each.lag]
    where = f" in [{behind[0]}]" if len(behind) == 1 else f" in {len(behind)} of {len(stage.partitions)}"
    return f"{stage.lag:,}{where if behind else ''}"


def _moved(stage: StageFacts) -> str:
    moved = [each.still_seconds for each in stage.partitions if each.still_seconds is not None]
    return f"{span_told(min(moved))} ago" if moved else NONE


def _regions(regions: Sequence[RegionFacts]) -> Table:
    table = _table("region", "state", "last closed", "next close (UTC)", "waits for")
    for each in regions:
        last = NONE if each.last_closed is None else str(each.last_closed.as_of)
        state = Text(each.state, STYLES[each.state])
        table.add_row(each.region, state, last, _minute(each.next_close), "; ".join(_waits(each)))
    return table


def _waits(region: RegionFacts) -> Iterator[str]:
    yield from map(waiting_told, region.waiting)
    if region.to_amend:
        yield f"{days_told(region.to_amend)} touched since, to be amended"


def _contexts(contexts: Sequence[LastContext]) -> RenderableType:
    if not contexts:
        return Text("None yet.")
    table = _table("region", "day", "model", "rev.", "vector", "made (UTC)", right=("rev.",))
    for each in contexts:
        what = each.absent_reason or ("stale" if each.stale else "yes")
        table.add_row(each.region, str(each.as_of), each.model_id, str(each.revision), what, _minute(each.made_at))
    return table


def _models(models: Sequence[ModelFacts]) -> Table:
    table = _table("model", "kind", "in this database")
    for each in models:
        table.add_row(each.model_id, each.kind, _known(each))
    return table


def _known(model: ModelFacts) -> Text:
    if model.changed:
        return Text("another one", "red")
    return Text("registered" if model.registered else "not yet; a worker registers it")


def _minute(instant: dt.datetime | None) -> str:
    return NONE if instant is None else f"{instant.astimezone(dt.UTC):%Y-%m-%d %H:%M}"


def as_json(status: Status) -> str:
    """Everything as an object on one line; what is not known is null."""
    facts, stored = status.facts, status.facts.stored
    told = {
        "at": facts.at.isoformat(),
        "well": not status.problems,
        "problems": [{"code": p.code, "sentence": p.sentence, "todo": p.todo} for p in status.problems],
        "services": [_service_object(each) for each in status.services],
        "stages": [_stage_object(each) for each in facts.stages],
        "regions": None if stored is None else [_region_object(each) for each in stored.regions],
        "contexts": None if stored is None else [_fields(each) for each in stored.contexts],
        "models": None if stored is None else [_fields(each) for each in stored.models],
        "dead_letters": None if stored is None else [_fields(each) for each in stored.letters],
        "unpublished": None if stored is None else [_fields(each) for each in stored.unpublished],
    }
    return json.dumps(told, default=_plain)


def _service_object(service: Service) -> dict[str, Any]:
    unanswered = service.unanswered
    return {
        "service": service.name,
        "embedded": service.embedded,
        "where": service.where,
        "usable": unanswered is None,
        "why_not": None if unanswered is None else unanswered.reason,
    }


def _stage_object(stage: StageFacts) -> dict[str, Any]:
    partitions = [_fields(each) | {"lag": each.lag} for each in stage.partitions]
    return {
        "stage": stage.stage,
        "topic": stage.topic,
        "workers": stage.members,
        "lag": stage.lag,
        "partitions": partitions,
    }


def _region_object(region: RegionFacts) -> dict[str, Any]:
    last = region.last_closed
    return _fields(region) | {
        "last_closed": None if last is None else _fields(last),
        "waiting": [_waiting_object(each) for each in region.waiting],
    }


def _waiting_object(waiting: Waiting) -> dict[str, Any]:
    return _fields(waiting) | {"behind": [_fields(each) for each in waiting.behind], "told": waiting_told(waiting)}


def _fields(each: Any) -> dict[str, Any]:
    return {name: getattr(each, name) for name in each.__dataclass_fields__}


def _plain(value: Any) -> str:
    assert isinstance(value, dt.date)  # and so a datetime
    return value.isoformat()
