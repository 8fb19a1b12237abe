"""Which dead letters a command line means: those that it names, or those of a reason, a topic and a time."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.fields import INT32_MAX, INT64_MAX
from stream_app.errors import UsageError
from stream_app.store.handled_letters import Choice, LetterName

_NAME = re.compile(r"([^/]+)/([0-9]{1,10})/([0-9]{1,10})/([0-9]{1,19})")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command line says of letters; None where it says nothing."""

    names: Sequence[str] | None
    reasons: Sequence[str] | None
    topics: Sequence[str] | None
    since: dt.datetime | None
    until: dt.datetime | None

    def require_any(self, every: bool) -> None:
        """UsageError unless letters are named, or chosen, or all are meant: by one of these."""
        bounded = any(bound is not None for bound in (self.reasons, self.topics, self.since, self.until))
        if bool(self.names) + bounded + every != 1:
            raise UsageError("Name letters, or choose them by --reason, --topic, --since and --until, or say --all.")

    def choice(self, prefix: str, known: Sequence[str], handled: bool = False) -> Choice:
        """The letters meant, of the `known` topics. UsageError for another topic, or a name of no letter's form."""
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise UsageError("--since is after --until.")
        for topic in self.topics or ():
            _require_known(topic, known, topic)
        names = [letter_name(prefix, known, name) for name in self.names] if self.names else None
        topics = [prefix + topic for topic in self.topics or known]
        return Choice(topics, self.reasons, self.since, self.until, names, handled)


def letter_name(prefix: str, known: Sequence[str], text: str) -> LetterName:
    """The letter of a name as it is told: TOPIC/EPOCH/PARTITION/OFFSET. UsageError for anything else."""
    parts = _NAME.fullmatch(text)
    epoch, partition, offset = (0, 0, 0) if parts is None else (int(parts[2]), int(parts[3]), int(parts[4]))
    if parts is None or max(epoch, partition) > INT32_MAX or offset > INT64_MAX:
        raise UsageError(f"{text!r} is no letter's name, such as prices.closes/1/0/17.")
    _require_known(parts[1], known, text)
    return LetterName(prefix + parts[1], epoch, partition, offset)


def _require_known(topic: str, known: Sequence[str], text: str) -> None:
    if topic not in known:
        raise UsageError(f"{text}: it must be of {' or '.join(known)}.")
