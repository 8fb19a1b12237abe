"""A dead letter as it is published: whole, unless its topic takes no record of that size."""

import msgspec

from schemas import DeadLetter, encode
from schemas.topics import DEAD_LETTER_MAX_BYTES

LETTER_MAX_BYTES = DEAD_LETTER_MAX_BYTES - 4096
"""What is left of the topic's bound for a record after its key and Kafka's own headers."""
LEFT_OUT = " (its bytes are too many for this topic; the table dead_letters and the record itself have them)"


def letter_bytes(letter: DeadLetter) -> bytes:
    """The letter's bytes, the same each time.

    A producer that compresses gets records past the broker that are larger than any topic's bound: of those the
    letter has neither key nor value, and its error says so.
    """
    whole = encode(letter)
    if len(whole) <= LETTER_MAX_BYTES:
        return whole
    return encode(msgspec.structs.replace(letter, key=None, value=None, error=letter.error + LEFT_OUT))
