"""What can go wrong, by what is to be done about it.

StreamAppError
├── Retriable            refused for now: wait and try the same thing again
│   └── Away             a service does not answer
├── Fatal                nothing that waiting mends: the process ends, non-zero, and its chunk is delivered again
│   └── ModelHung        the text model did not answer by its deadline
├── FenceLost            another worker has gone on with what this one had in hand: drop what was read, read again
├── OwnershipLost        the partition was taken away while its chunk was being retried: leave the chunk unacked
└── UsageError           the user asked for something that cannot be: one sentence, exit code 2

A record that cannot be used is no exception: decoding returns a `schemas.Rejected`, and it goes to the dead letters.
"""


class StreamAppError(Exception):
    """The base of the product's own exceptions; its message is one sentence fit for a user."""


class Retriable(StreamAppError):
    """A service is away or refused for now; the same call may succeed later."""


class Away(Retriable):
    """A service does not answer."""

    def __init__(self, message: str, *, service: str, reason: str) -> None:
        super().__init__(message)
        self.service = service
        self.reason = reason


class Fatal(StreamAppError):
    """Going on would lose or corrupt data; a person has to act, and the message says how."""


class ModelHung(Fatal):
    """The text model did not answer by its deadline."""


class FenceLost(StreamAppError):
    """Another worker has moved on the partition, or taken the lane, that this one was about to write to."""


class OwnershipLost(StreamAppError):
    """The partition no longer belongs to this worker."""


class UsageError(StreamAppError):
    """The request itself is wrong."""
