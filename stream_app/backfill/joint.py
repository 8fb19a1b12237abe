"""`backfill_joint_regime_context`: the joint vectors of regions' days from their stored halves."""

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from stream_app.backfill.halves import Key, chunks, one_a_day, paired
from stream_app.backfill.registering import register
from stream_app.backfill.report import Lines, Tally, to_write
from stream_app.backfill.writing import write
from stream_app.errors import UsageError
from stream_app.models.definitions import JointModel
from stream_app.replay.telling import Told
from stream_app.store import article_texts, joint_embeddings, models, regimes, vectors
from stream_app.store.article_texts import DayNews, Selection
from stream_app.store.database import Pool, connection, transaction
from stream_app.store.joint_embeddings import MadeOf
from stream_app.store.regimes import RegimeRow, Wanted


@dataclass(frozen=True, slots=True)
class JointJob:
    """The joint contexts of regions, each named once, on the days that the selection of articles spans, in a model."""

    regimes: Wanted
    selection: Selection
    model: JointModel

    @property
    def made_of(self) -> MadeOf:
        """The models of what is filled in."""
        return MadeOf(self.model.model_id, self.regimes.model_id, self.selection.model_id)


@dataclass(slots=True)
class JointReport:
    """What was stored and what was missing."""

    stored: Tally = field(default_factory=Tally)
    without_regimes: list[str] = field(default_factory=list)
    """Regions that have no regime on any of the days."""
    lacking_regimes: dict[str, list[dt.date]] = field(default_factory=dict)
    """By region that has a regime on some days the others, ascending, on which there are text vectors."""
    without_texts: list[dt.date] = field(default_factory=list)
    """Days, ascending, that have a regime but no article with a vector."""
    incomplete: Lines = field(default_factory=Lines)
    """Days of which some articles have no vector yet."""
    ambiguous: Lines = field(default_factory=Lines)
    """Region days with regimes of different instruments, of which none was named."""


async def fill_joint(pool: Pool, job: JointJob, dry_run: bool, told: Told) -> JointReport:
    """Compute and store the contexts, some days at a time, each a transaction; `told` counts days.

    Chosen days that were filled in and lack a half by now are removed. A dry run changes nothing. Fatal if the joint
    model's id stands for another model in this database; UsageError where its vectors are made of other halves, or its
    weights were fitted on texts of another model.
    """
    await _refuse_others(pool, job)
    await register(pool, job.model.registered, dry_run)
    report, chosen = JointReport(), job.selection
    async with connection(pool) as conn:
        with_regime = await regimes.days(conn, job.regimes, chosen.first, chosen.last)
        news = await article_texts.by_day(conn, chosen)
        filled = await joint_embeddings.filled(conn, job.model.model_id, job.regimes.regions, chosen.first, chosen.last)
    report.without_regimes = [region for region in job.regimes.regions if region not in with_regime]
    days = sorted(set().union(*with_regime.values()))
    _tell_news(report, days, news, chosen.model_id)
    embedded = sorted(day for day, of_day in news.items() if of_day.with_vector)
    report.lacking_regimes = _lacking_regimes(job, with_regime, embedded)
    with_news = [day for day in days if day in news and news[day].with_vector]
    told.begin("days", len(with_news))
    for chunk in chunks(with_news, news, len(job.regimes.regions)):
        await _fill_days(pool, job, chunk, report, dry_run)
        told.advance(len(chunk))
    gone = _lacking(filled, with_regime, with_news)
    report.stored.removed = len(gone)
    if gone and not dry_run:
        async with transaction(pool) as conn:
            await joint_embeddings.remove(conn, job.model.model_id, gone)
    return report


async def _refuse_others(pool: Pool, job: JointJob) -> None:
    made_of = job.made_of
    async with connection(pool) as conn:
        found = await joint_embeddings.of_others(conn, made_of)
        fingerprint = await models.fingerprint(conn, made_of.text_model_id)
    if fingerprint is not None and (refusal := job.model.refusal(fingerprint)) is not None:
        raise UsageError(refusal)
    if found is not None:
        raise UsageError(
            f"The contexts of {found.model_id} are made of {found.numeric_model_id} and {found.text_model_id}, not of "
            f"{made_of.numeric_model_id} and {made_of.text_model_id}: name another joint model with --joint-model-id."
        )


def _lacking(
    filled: Sequence[Key], with_regime: Mapping[str, Sequence[dt.date]], with_news: Sequence[dt.date]
) -> list[Key]:
    """Those of which a half is not there by now."""
    whole = {region: set(days).intersection(with_news) for region, days in with_regime.items()}
    return [(region, day) for region, day in filled if day not in whole.get(region, ())]


def _lacking_regimes(
    job: JointJob, with_regime: Mapping[str, Sequence[dt.date]], embedded: Sequence[dt.date]
) -> dict[str, list[dt.date]]:
    known = {region: set(with_regime[region]) for region in job.regimes.regions if region in with_regime}
    lacking = {region: [day for day in embedded if day not in days] for region, days in known.items()}
    return {region: days for region, days in lacking.items() if days}


def _tell_news(report: JointReport, days: Sequence[dt.date], news: Mapping[dt.date, DayNews], model_id: str) -> None:
    nothing = DayNews(0, 0)
    for day in days:
        of_day = news.get(day, nothing)
        if not of_day.with_vector:
            report.without_texts.append(day)
        elif of_day.with_vector < of_day.articles:
            lacking = of_day.articles - of_day.with_vector
            report.incomplete.add(f"{lacking:,} of {of_day.articles:,} articles of {day} have no vector of {model_id}.")


async def _fill_days(pool: Pool, job: JointJob, days: Sequence[dt.date], report: JointReport, dry_run: bool) -> None:
    async with connection(pool) as conn:
        rows = await regimes.of_days(conn, job.regimes, days)
        news_days, news_vectors = await article_texts.vectors(conn, job.selection, days)
        standing = await joint_embeddings.standing(conn, job.model.model_id, job.regimes.regions, days[0], days[-1])
    halves, ambiguous = one_a_day(rows)
    for of_day in ambiguous:
        names = "; ".join(", ".join(row.instruments) for row in of_day)
        report.ambiguous.add(f"{of_day[0].region} {of_day[0].as_of} has regimes of different instruments ({names}).")
    keys, made = await asyncio.to_thread(_joined, job.model, halves, news_days, news_vectors)
    chosen, tally = to_write(keys, made, standing)
    report.stored.add(tally)
    if chosen and not dry_run:
        new = joint_embeddings.records(
            job.made_of, [keys[index] for index in chosen], [made[index] for index in chosen]
        )
        append, put = partial(joint_embeddings.append, new=new), partial(joint_embeddings.put, new=new)
        await write(pool, append, put, all_new=not tally.changed)


def _joined(
    model: JointModel, halves: Sequence[RegimeRow], news_days: Sequence[dt.date], news_vectors: Sequence[bytes]
) -> tuple[list[Key], list[bytes]]:
    """The joint vectors, in pgvector's binary form, of the halves whose day has text vectors."""
    both = paired(halves, news_days, news_vectors)
    return both.keys, vectors.to_rows(model.joined(both.numeric, both.text, both.articles, both.keys))
