"""How the seed commands tell what they did and found on standard output, and what is missing on standard error."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from stream_app.cli.output import first_days, put, say

if TYPE_CHECKING:
    from stream_app.backfill.joint import JointJob, JointReport
    from stream_app.backfill.regimes import RegimeJob, RegimeReport
    from stream_app.backfill.report import Lines, Tally
    from stream_app.backfill.texts import TextJob, TextReport

SOME_FAILED = 1
DRY_RUN = "Dry run: nothing was written. It would be:"
NOTHING_CHANGED = "Nothing changed."


def end(failed: bool) -> None:
    """Exit code 1 if some of the work failed."""
    if failed:
        raise typer.Exit(SOME_FAILED)


def tell_regimes(job: "RegimeJob", report: "RegimeReport", dry_run: bool) -> None:
    """What `run-numeric-regime` did, the original's sentence last."""
    names = ", ".join(job.windows.instruments)
    _lines(
        report.insufficient,
        f"Send older closes of {names} with `stream-app ingest prices FILE`, or choose later days.",
    )
    _lines(report.old, f"Send newer closes of {names} with `stream-app ingest prices FILE`.", put)
    if dry_run:
        put(DRY_RUN)
    _tally("windows", report.windows)
    _tally("regimes", report.regimes)
    if not report.windows.written + report.regimes.written:
        put(NOTHING_CHANGED)
    if report.last_regime:
        put(report.last_regime)


def tell_texts(job: "TextJob", report: "TextReport", dry_run: bool) -> None:
    """What `backfill-text-embeddings` did."""
    chosen, before = job.selection, report.before
    if not before.selected:
        of_language = f" for language={chosen.language}" if chosen.language else ""
        say(f"No news articles found{of_language} between {chosen.first} and {chosen.last}.")
        say("Send them with `stream-app ingest news FILE`, or choose other days.")
    _lines(report.failures, "Correct these articles and send them again with `stream-app ingest news FILE`.")
    if dry_run:
        put(DRY_RUN)
    counts = {
        "embedded": report.embedded,
        "unchanged": before.unchanged,
        "live and left as they are": before.live,
        "without text skipped": before.empty,
        "failed": report.failures.total,
        "left (repeat the command, or raise --limit)": report.left,
    }
    put(f"articles: {', '.join(f'{count:,} {word}' for word, count in counts.items() if count) or 'none'}")
    if not report.embedded:
        put(NOTHING_CHANGED)


def tell_joint(job: "JointJob", report: "JointReport", dry_run: bool) -> None:
    """What `backfill-joint-regime-context` did."""
    chosen = job.selection
    first, last = chosen.first, chosen.last
    days = f"--as-of {first}" if first == last else f"--date-range {first} {last}"
    make_regimes = f"{_instruments(job)} {days} --model-id {job.regimes.model_id}"
    for region in report.without_regimes:
        say(f"No regime embeddings found for region={region} between {first} and {last}")
        say(f"Make them with `stream-app run-numeric-regime --region {region} {make_regimes}`.")
    for region, lacking in report.lacking_regimes.items():
        say(
            f"No regime embeddings found for region={region} on {len(lacking):,} days that have news: "
            f"{first_days(lacking)}"
        )
        say(
            f"Make them with `stream-app run-numeric-regime --region {region} {make_regimes}`, "
            "then repeat this command."
        )
    for day in report.without_texts:
        say(f"No text embeddings found for date={day}; skipping")
    of_language = f" --language {chosen.language}" if chosen.language else ""
    options = f"{days}{of_language} --model-id {chosen.model_id}"
    make = f"Make them with `stream-app backfill-text-embeddings {options}`"
    if report.without_texts:
        say(f"{make}, where there are articles.")
    _lines(report.incomplete, f"{make}, then repeat this command.")
    _lines(report.ambiguous, "Name those to use with --instrument-id.")
    if dry_run:
        put(DRY_RUN)
    _tally("contexts", report.stored)
    if not report.stored.written:
        put(NOTHING_CHANGED)


def _instruments(job: "JointJob") -> str:
    """As options, of the regimes that are joined; ID stands for what is not known."""
    return " ".join(f"--instrument-id {name}" for name in job.regimes.instruments or ("ID",))


def _tally(what: str, tally: "Tally") -> None:
    """A line of counts, as in `windows: 1 new`; those that are zero are left out."""
    counts = {
        "new": tally.new,
        "changed": tally.changed,
        "removed": tally.removed,
        "unchanged": tally.unchanged,
        "live and left as they are": tally.live,
    }
    put(f"{what}: {', '.join(f'{count:,} {word}' for word, count in counts.items() if count) or 'none'}")


def _lines(lines: "Lines", advice: str, tell: Callable[[str], None] = say) -> None:
    """Messages and, on a line of its own, what to do about them."""
    if not lines.total:
        return
    for line in lines.listed:
        tell(line)
    if lines.unlisted:
        tell(f"… and {lines.unlisted:,} more.")
    tell(advice)
