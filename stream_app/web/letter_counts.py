"""Dead letters counted."""

from collections.abc import Mapping

from stream_app.web.answers.operations import ReasonTold


def told_counts(counts: Mapping[tuple[str, str], int], prefix: str) -> list[ReasonTold]:
    """Counts by topic (on the wire) and reason, in their order."""
    return [
        ReasonTold(topic=topic.removeprefix(prefix), reason=reason, letters=letters)
        for (topic, reason), letters in sorted(counts.items())
    ]
