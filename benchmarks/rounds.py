"""Measuring by turns, so that whatever else the machine does meets every candidate alike."""

from collections.abc import Awaitable, Callable, Mapping

Candidate = Callable[[], Awaitable[float]]
"""Does the job once and returns what was measured, a time or a rate."""


async def alternate(candidates: Mapping[str, Candidate], rounds: int) -> dict[str, list[float]]:
    """Run every candidate once a round; the measurements by candidate, in order of the rounds.

    Each round begins with the next candidate, so that none always follows the same other one.
    """
    measured: dict[str, list[float]] = {name: [] for name in candidates}
    names = list(candidates)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            measured[name].append(await candidates[name]())
    return measured
